//! Runs the command, from its options to its files.

use std::time::Instant;

use super::args::SensitivityArguments;
use super::error::SensitivityError;
use super::goal::Goal;
use super::network::NetworkSource;
use super::picture::Lines;
use super::scan::scan;
use super::show;
use crate::data::Dataset;
use crate::nn::{NalgebraParams, NdarrayParams};
use crate::picture;
use crate::run::choice::BackendChoice;
use crate::run::{Console, Interrupt, OutFolder, bar, on_threads};
use crate::train::Backend;
use crate::words::thousands;

/// The files that the command writes.
pub const FILES: [&str; 3] = [show::FILE, "sensitivity.svg", "sensitivity.png"];

/// Trains or reads the network, scans it, prints the table to `console` and writes the files.
///
/// # Errors
///
/// Every variant of [`SensitivityError`]. No file has been written then.
pub fn run(
    arguments: &SensitivityArguments,
    console: &mut Console<'_>,
    interrupt: &Interrupt,
) -> Result<(), SensitivityError> {
    on_threads(arguments.threads.map(usize::from), || {
        let source = NetworkSource::of(arguments)?;
        let data = match &arguments.data {
            Some(data) => data.clone(),
            None => source.data()?,
        };
        let data = data.load()?;
        console.line(format_args!("data         {data}"))?;
        match arguments.backend {
            BackendChoice::Ndarray => run_on::<NdarrayParams<f32>>(arguments, &source, &data, console, interrupt),
            BackendChoice::Nalgebra => run_on::<NalgebraParams<f32>>(arguments, &source, &data, console, interrupt),
        }
    })?
}

fn run_on<P: Backend>(
    arguments: &SensitivityArguments,
    source: &NetworkSource<'_>,
    data: &Dataset,
    console: &mut Console<'_>,
    interrupt: &Interrupt,
) -> Result<(), SensitivityError> {
    let started = Instant::now();
    let mut out = OutFolder::open(&arguments.out, &FILES)?;
    let (mut trainer, params) = source.network::<P>(data, console, interrupt)?;
    let trained = started.elapsed();
    let goals = Goal::all(&arguments.methods, &arguments.densities);
    let bar = bar(0, "{wide_bar:.cyan/dim} {pos}/{len} measurements");
    let scan = scan(&mut trainer, &params, &goals, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        interrupt.flow()
    });
    bar.finish_and_clear();
    let scan = scan?;
    console.line(format_args!(
        "accuracy     {:.2}% of {} test images, dense\n\n{}",
        100.0 * scan.dense.accuracy(),
        thousands(scan.dense.count),
        show::table(&scan)
    ))?;

    let title = format!("{} on MNIST: one layer alone pruned by magnitude", source.model().spec().name);
    let lines = Lines { title, scan: &scan };
    let [svg, png] = picture::files("sensitivity", &lines)?;
    out.write(&[(show::FILE.to_owned(), show::csv(&scan)?), svg, png])?;
    console.line(format_args!("\nwrote {} into {}", FILES.join(", "), out.path().display()))?;
    console.line(format_args!(
        "{:.1} s, of them {:.1} s for the network",
        started.elapsed().as_secs_f64(),
        trained.as_secs_f64()
    ))?;
    Ok(())
}
