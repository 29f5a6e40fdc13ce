//! Prunes trained checkpoints: `prune --help` says how.

mod args;
mod bar;
mod commands;
mod flags;
mod strategy;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser as _;
use console::style;
use prune_files::{Error, Watch};

use args::Arguments;

/// The most threads in use. More gain nothing for reading and writing, and each would hold some MiB.
const MOST_THREADS: usize = 16;

fn main() -> ExitCode {
    prune_files::spell(flags::flag);
    let arguments = Arguments::parse();
    if std::env::var_os("NO_COLOR").is_some_and(|no| !no.is_empty()) {
        console::set_colors_enabled(false);
        console::set_colors_enabled_stderr(false);
    }
    let watch = Watch { progress: bar::progress(arguments.quiet), stop: stop_on_signals() };
    let wanted = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(MOST_THREADS));
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        // This fails only if a pool is there already, and nothing has made one before this line.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(wanted).build_global();
    }
    let done = commands::run(&arguments, &watch);
    for path in prune_files::leftovers() {
        let path = prune_core::printable(&path.display().to_string()).into_owned();
        let _ = writeln!(io::stderr(), "warning: {path} is temporary, but could not be removed; delete it");
    }
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // The rest of a bar on the line would stand before the message.
            watch.progress.end();
            let _ = writeln!(io::stderr(), "{} {error}", style("error:").for_stderr().red().bold());
            ExitCode::from(exit_code(&error))
        }
    }
}

/// 2 for bad input, 3 if reading or writing failed, 130 if the user stopped it.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Read { .. } | Error::Write { .. } | Error::Changed { .. } => 3,
        Error::NotSynced { .. } | Error::InPlace { .. } | Error::SetAside { .. } => 3,
        Error::Interrupted => 130,
        _ => 2,
    }
}

/// A flag that Ctrl-C and requests to end the process set. A second Ctrl-C ends it at once.
fn stop_on_signals() -> Arc<AtomicBool> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    let stop = Arc::new(AtomicBool::new(false));
    // If a signal cannot be caught, it ends the command at once, as it does without this. Only temporary files may then
    // be left.
    let _ = flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&stop));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    {
        signals.push(signal_hook::consts::SIGHUP);
        // A write past the limit on the size of files is then an error, and does not end the process.
        let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
    for signal in signals {
        let _ = flag::register(signal, Arc::clone(&stop));
    }
    stop
}

/// Prints a command's answer. A reader that closes the pipe early is no error.
fn print(text: &str) -> Result<(), Error> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "standard output".into(), source: error })
        }
        _ => Ok(()),
    }
}
