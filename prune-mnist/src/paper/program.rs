//! Runs the command, from its options to its files.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write as _};
use std::sync::Mutex;
use std::time::Instant;

use prune_schedule::Evidence;

use super::args::PaperArguments;
use super::cache::Cache;
use super::control;
use super::csv::{RUNS_FILE, Record, csv};
use super::data::DataUse;
use super::error::PaperError;
use super::outcome::RunOutcome;
use super::queue::{Outcomes, Queue};
use super::recipe::Scale;
use super::settings::{Phase, PhaseChange, Settings};
use super::tables::{Table, TableContext};
use crate::data::DataSource;
use crate::nn::NdarrayParams;
use crate::run::{Console, Interrupt, OutFolder, bar};

/// The variable by which `cargo xtask` passes the commit.
const COMMIT: &str = "PRUNE_COMMIT";

/// Makes the tables and prints them to `console`.
///
/// # Errors
///
/// Every variant of [`PaperError`]. Finished runs are kept.
pub fn run(arguments: &PaperArguments, console: &mut Console<'_>, interrupt: &Interrupt) -> Result<(), PaperError> {
    let started = Instant::now();
    let (scale, source) = match arguments.quick {
        true => (Scale::Quick, DataSource::Sample),
        false => (Scale::Full, DataSource::Full),
    };
    let data = source.load()?;
    console.line(&data)?;
    let (data, used) = DataUse::of(data, arguments.validate)?;
    if arguments.validate {
        console.line(format_args!(
            "validation: learns from the first {}, tests on the other {}, never on the test set",
            data.train.len(),
            data.test.len()
        ))?;
    }
    let tables: Vec<Table> = Table::ALL
        .into_iter()
        .filter(|table| arguments.tables.is_empty() || arguments.tables.contains(table))
        .collect();
    let context = TableContext { scale, data: used };
    let names: Vec<String> = tables.iter().flat_map(|table| table.files()).chain([RUNS_FILE.to_owned()]).collect();
    let mut out = OutFolder::open(&arguments.out(), &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let cache = Cache::open(&out.path().join("runs"))?;
    let commit = std::env::var(COMMIT).unwrap_or_else(|_| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.map_or(cores, usize::from);
    let queue = Queue { data: &data, cache: &cache, commit: &commit, interrupt, jobs };

    // The longest networks first, so that no core is idle at the end.
    let mut wanted: Vec<Settings> =
        tables.iter().flat_map(|table| table.runs(&context)).map(|(_, settings)| settings).collect();
    wanted.sort_by_key(|settings| std::cmp::Reverse(settings.net));
    let outcomes = carry_out(&queue, &wanted)?;

    let mut written = Vec::new();
    for table in &tables {
        let shown = table.show(&context, &outcomes);
        let caution = arguments.caution().map_or_else(String::new, |caution| format!("{caution}\n\n"));
        let text = format!("{caution}{}\n", shown.text.trim_end());
        console.line(format_args!("\n== {} ==\n\n{}", table.name(), text.trim_end()))?;
        written.push((format!("{}.txt", table.name()), text.into_bytes()));
        for picture in &shown.pictures {
            written.extend(picture.files()?);
        }
    }
    written.push((RUNS_FILE.to_owned(), csv(&records(&context, &cache, &outcomes)?)?));
    out.write(&written)?;
    let names: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
    console.line(format_args!("\nwrote {} into {}", names.join(", "), out.path().display()))?;
    let computed: f64 = outcomes.values().map(|outcome| outcome.seconds).sum();
    let commits: BTreeSet<&str> = outcomes.values().map(|outcome| outcome.commit.as_str()).collect();
    console.line(format_args!(
        "{} runs of commit {} with {computed:.0} s of computing in all, on {jobs} at a time; this command took {:.0} s",
        outcomes.len(),
        commits.into_iter().collect::<Vec<_>>().join(" and "),
        started.elapsed().as_secs_f64()
    ))?;
    Ok(())
}

/// The rows of every table whose runs are all finished, those of earlier commands among them.
fn records(context: &TableContext, cache: &Cache, outcomes: &Outcomes) -> Result<Vec<Record>, PaperError> {
    let mut records = Vec::new();
    let mut bases: HashMap<String, NdarrayParams<f32>> = HashMap::new();
    for table in Table::ALL {
        let runs = table.runs(context);
        let found = runs.iter().map(|(_, run)| outcomes.get(&run.key()).cloned().or_else(|| cache.outcome(run)));
        let Some(found) = found.collect::<Option<Vec<RunOutcome>>>() else { continue };
        for ((name, run), outcome) in runs.into_iter().zip(found) {
            let mut untrained = None;
            if let Some(Phase { change: PhaseChange::Strategy(text), .. }) = &run.then
                && run.has_untrained()
            {
                let base = run.base();
                let params = match bases.entry(base.key()) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => match cache.weights(&base) {
                        Some(params) => entry.insert(params),
                        None => return Err(PaperError::BaseGone { key: base.key() }),
                    },
                };
                untrained = Some(control::at_once(&text.parse()?, params, Evidence::default())?);
            }
            records.push(Record { table, name, outcome, untrained });
        }
    }
    Ok(records)
}

/// Carries out the runs, with a progress bar on a terminal, and elsewhere with one line for each run.
fn carry_out(queue: &Queue<'_>, wanted: &[Settings]) -> Result<Outcomes, PaperError> {
    let all = BTreeSet::from_iter(
        wanted.iter().chain(&wanted.iter().flat_map(Settings::bases).collect::<Vec<_>>()).map(Settings::key),
    );
    let bar = bar(all.len() as u64, "{wide_bar:.cyan/dim} {pos}/{len} runs, {elapsed_precise}, {msg}");
    let done = Mutex::new(0_usize);
    let outcomes = queue.run(wanted, &|outcome, found| {
        bar.inc(1);
        bar.set_message(said(outcome));
        let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *done += 1;
        if bar.is_hidden() && !found {
            // A closed output is no reason to stop.
            let _ = writeln!(io::stderr(), "[{}/{}] {}", *done, all.len(), said(outcome));
        }
    });
    bar.finish_and_clear();
    outcomes
}

/// The line for a finished run.
fn said(outcome: &RunOutcome) -> String {
    let Settings { net, seed, then, .. } = &outcome.settings;
    let what = match then.as_ref().map(|phase| &phase.change) {
        None => "dense",
        Some(PhaseChange::None) => "twin",
        Some(PhaseChange::Strategy(_)) => "pruned",
        Some(PhaseChange::RandomMask(_)) => "random mask",
        Some(PhaseChange::Lottery(lottery)) => lottery.name(),
    };
    let error = outcome.last().map_or_else(String::new, |test| format!(", error {:.2}%", test.error()));
    format!("{}, seed {seed}: {what} at {:.1}x{error}, {:.0} s", net.name(), outcome.compression(), outcome.seconds)
}
