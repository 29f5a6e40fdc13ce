//! One function a command.

use std::path::Path;

use clap::CommandFactory as _;
use console::style;
use prune_files::{
    Destination, Error, Job, PruneReport, ReportFile, Want, Watch, apply, events_of, with_axis, write_masks,
    write_zero_masks,
};
use prune_schedule::{Event, Filter, Key, Scope, Structure};

use crate::args::{Apply, Arguments, Check, Command, MaskArguments, MaskOptions};
use crate::{print, strategy};

/// Runs the command. The answer is false if a check found something that it should not.
pub(crate) fn run(arguments: &Arguments, watch: &Watch) -> Result<bool, Error> {
    let show = |text: &dyn core::fmt::Display| if arguments.quiet { Ok(()) } else { print(&text.to_string()) };
    match &arguments.command {
        Command::Inspect { model, json } => {
            let inspection = prune_files::inspect(model, watch)?;
            if *json { print(&pretty(&inspection)?)? } else { print(&inspection.to_string())? }
        }
        Command::Apply(asked) => {
            let report = apply_to(asked, watch)?;
            in_place(asked.output.as_deref().unwrap_or(&asked.model), show(&report))?;
        }
        Command::Mask(asked) => {
            let report = masks(asked, watch)?;
            in_place(&asked.output, show(&report))?;
        }
        Command::Check(asked) => {
            let report = prune_files::check(&asked.model, &want(asked)?, &asked.which.filter(), watch)?;
            if asked.json {
                print(&pretty(&report)?)?;
            } else {
                let shown = report.to_string();
                let (table, verdict) = shown.rsplit_once('\n').unwrap_or(("", &shown));
                let verdict = if report.holds { style(verdict).green() } else { style(verdict).red().bold() };
                show(&format_args!("{table}\n{verdict}"))?;
            }
            return Ok(report.holds);
        }
        Command::Expand { model, output, force } => {
            let to = Destination { path: Some(output.clone()), force: *force };
            let expansion = prune_files::expand(model, &to, watch)?;
            in_place(output, show(&expansion))?;
        }
        Command::Shrink(asked) => {
            let report = asked.run(watch)?;
            if asked.json { print(&pretty(&report)?)? } else { show(&report)? }
        }
        Command::Slice(asked) => {
            let sliced = asked.run(watch)?;
            if asked.json { print(&pretty(&sliced)?)? } else { show(&sliced)? }
        }
        Command::Schedule { strategy: given, model, axis, which, json } => {
            if model.is_none() && which.filter() != Filter::default() {
                return Err(Error::request(
                    "--include, --exclude, --also and --all are about a checkpoint; give it with --model",
                ));
            }
            let strategy = strategy::read(given)?;
            let strategy = axis.map_or(Ok(strategy.clone()), |axis| with_axis(&strategy, axis))?;
            let preview =
                model.as_ref().map(|model| prune_files::preview(model, &strategy, &which.filter())).transpose()?;
            let timeline = strategy.timeline();
            match (json, preview) {
                (true, None) => print(&pretty(&timeline)?)?,
                (true, Some(preview)) => print(&pretty(&preview)?)?,
                (false, None) => print(&timeline.to_string())?,
                (false, Some(preview)) => print(&format!("{timeline}\n\n{preview}"))?,
            }
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "prune", &mut script);
            print(String::from_utf8_lossy(&script).trim_end())?;
        }
    }
    Ok(true)
}

/// Marks an error as one that came after the output was in its place, so that the message says so.
fn in_place(output: &Path, then: Result<(), Error>) -> Result<(), Error> {
    then.map_err(|source| Error::InPlace { output: output.to_owned(), source: Box::new(source) })
}

fn apply_to(asked: &Apply, watch: &Watch) -> Result<PruneReport, Error> {
    let job = job(&asked.model, &asked.what, events(&asked.what)?);
    let file = report_file(&asked.what, &job, asked.output.as_deref())?;
    let to = Destination { path: asked.output.clone(), force: asked.what.force };
    let report = apply(&job, &to, asked.format(), watch)?;
    let output = asked.output.as_deref().unwrap_or(&asked.model);
    file.map_or(Ok(()), |file| file.place(output, &report))?;
    Ok(report)
}

fn masks(asked: &MaskArguments, watch: &Watch) -> Result<PruneReport, Error> {
    let events = if asked.from_zeros { Vec::new() } else { events(&asked.what)? };
    let job = job(&asked.model, &asked.what, events);
    let file = report_file(&asked.what, &job, Some(&asked.output))?;
    let write = if asked.from_zeros { write_zero_masks } else { write_masks };
    let report = write(&job, &asked.output, asked.what.force, watch)?;
    file.map_or(Ok(()), |file| file.place(&asked.output, &report))?;
    Ok(report)
}

fn job(model: &Path, what: &MaskOptions, events: Vec<(Option<Key>, Event)>) -> Job {
    let mut job = Job::new(model, events).with_filter(what.which.filter());
    job.scores.clone_from(&what.scores);
    job.gradients.clone_from(&what.gradients);
    job.inputs.clone_from(&what.inputs);
    job.masks.clone_from(&what.masks);
    job
}

/// The events to apply, in order, each with the time that the strategy gives it.
fn events(what: &MaskOptions) -> Result<Vec<(Option<Key>, Event)>, Error> {
    if let Some(given) = &what.strategy {
        let strategy = strategy::read(given)?;
        let strategy = what.axis.map_or(Ok(strategy.clone()), |axis| with_axis(&strategy, axis))?;
        return events_of(&strategy, what.epoch);
    }
    let Some(method) = &what.method else {
        let evidence = [&what.scores, &what.gradients, &what.inputs].into_iter().flatten().next();
        return match (&what.masks, evidence) {
            (Some(_), None) if what.axis.is_some() => {
                Err(Error::request("--axis is for N:M groups, and masks are applied as they are; leave it out"))
            }
            (Some(_), None) => Ok(Vec::new()),
            _ => {
                Err(Error::request("say what is done: --method with --density, --sparsity or --pattern, or --strategy"))
            }
        };
    };
    let refused = |source| Error::Strategy { source };
    let method: prune_schedule::Method = method.parse().map_err(|error| Error::request(format!("{error}")))?;
    let global = method.scope == prune_schedule::ScopeKind::Global;
    let event = match (method.structure, what.density.or(what.sparsity), what.pattern) {
        (Structure::Unstructured, Some(density), None) => {
            Event::unstructured(if global { Scope::Global(density) } else { Scope::UnifiedLocal(density) })
        }
        (Structure::Nm, None, Some(pattern)) => {
            Event::n_m(if global { Scope::Global(pattern) } else { Scope::UnifiedLocal(pattern) })
        }
        (Structure::Nm, ..) => {
            return Err(Error::request(format!("`{method}` needs --pattern N:M, such as --pattern 2:4")));
        }
        _ => return Err(Error::request(format!("`{method}` needs --density or --sparsity"))),
    };
    let event =
        event.and_then(|event| what.axis.map_or(Ok(event.clone()), |axis| event.with_axis(axis))).map_err(refused)?;
    Ok(vec![(None, event)])
}

/// Creates the report file that the user asked for, before any work. `output` is `None` if the model itself is
/// replaced.
fn report_file(what: &MaskOptions, job: &Job, output: Option<&Path>) -> Result<Option<ReportFile>, Error> {
    let Some(path) = &what.report else { return Ok(None) };
    let strategy = what.strategy.as_deref().map(Path::new);
    ReportFile::create(path, what.force, job, output, strategy.as_slice()).map(Some)
}

fn want(asked: &Check) -> Result<Want, Error> {
    match (asked.pattern, asked.density.or(asked.sparsity), &asked.masks) {
        (Some(pattern), ..) => Ok(Want::Pattern { pattern, axis: asked.axis }),
        (_, Some(density), _) => Ok(Want::Density { density, together: asked.together }),
        (_, _, Some(masks)) => Ok(Want::Masks(masks.clone())),
        _ => Err(Error::request("say what is checked: --pattern, --density, --sparsity or --masks")),
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(|error| Error::request(error.to_string()))
}
