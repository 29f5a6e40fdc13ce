//! Runs that are killed, or stopped by Ctrl-C, end like an unbroken run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use prune_mnist::demo::FILES;
use prune_mnist::rng::{Purpose, stream};
use rand_chacha::rand_core::Rng as _;

use crate::resume::{CHECKPOINT, wait_for_row};
use crate::{Place, check_files, names};

/// A run of a few hundred steps, with a twin, masks that float, and gradients that are observed.
const LONG: [&str; 8] = [
    "--model",
    "mlp",
    "--epochs",
    "40",
    "--strategy",
    "{3: {'method': 'unstr_global', 'density': 0.3}, '8..=12': {'method': 'unstr_global', 'density': 0.2}, 20: \
     {'method': 'unstr_global', 'density': 0.4, 'reopen': 'gradient'}}",
    "--weight-decay",
    "0.0005",
];

/// The CNN on the other backend with pruned activations: two convolutions, more tensors, fewer steps.
const CNN: [&str; 8] = [
    "--model",
    "cnn",
    "--backend",
    "nalgebra",
    "--epochs",
    "6",
    "--strategy",
    "{2: {'method': 'str_unified_local', 'pattern': (2, 4)}, 4: {'method': 'unstr_global', 'density': 0.2}}",
];

/// An unbroken run, and its time.
fn unbroken(run: &[&str], epochs: usize) -> ([Vec<u8>; FILES.len()], Duration) {
    let place = Place::new();
    let started = Instant::now();
    place.completes(run);
    let took = started.elapsed();
    check_files(&place.out(), epochs);
    (place.files(), took)
}

/// Starts the run, or resumes it if there is a checkpoint, and kills it at a moment that `is_due` chooses. Returns
/// true if it was still running.
fn start_and_kill(place: &Place, run: &[&str], threads: &str, mut is_due: impl FnMut() -> bool) -> bool {
    let mut child = if place.out().join(CHECKPOINT).exists() {
        place.start(&["--resume", "--threads", threads])
    } else {
        place.start(&[run, &["--threads", threads]].concat())
    };
    // Nobody reads the output, and nobody must: the run drops it with its reader.
    drop((child.stdout.take(), child.stderr.take()));
    while !is_due() {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

fn assert_equal(place: &Place, whole: &[Vec<u8>; FILES.len()], what: &str) {
    assert_eq!(names(&place.out()), FILES.map(str::to_owned).into(), "{what}");
    for ((file, got), expected) in FILES.iter().zip(&place.files()).zip(whole) {
        assert!(got == expected, "{what}: {file} differs from that of a run that was never killed");
    }
}

#[test]
fn runs_killed_at_random_moments_end_as_one_that_never_was() {
    let (whole, took) = unbroken(&LONG, 40);
    let mut generator = stream(20, Purpose::Order(1));
    let mut moment = |most: Duration| most.mul_f64(f64::from(generator.next_u32()) / f64::from(u32::MAX));
    // One kill each, at any moment of the run.
    let mut resumed = 0;
    for round in 0..8 {
        let (place, after, started) = (Place::new(), moment(took), Instant::now());
        let killed = start_and_kill(&place, &LONG, "1", || started.elapsed() >= after);
        resumed += usize::from(killed && place.out().join(CHECKPOINT).exists());
        start_and_kill(&place, &LONG, "2", || false);
        assert_equal(&place, &whole, &format!("round {round}, killed after {after:?} of {took:?}"));
    }
    assert!(resumed > 0, "no kill has met a run with something to go on from");
    // The same run, killed again and again until it is complete.
    for round in 0..2 {
        let (place, mut kills) = (Place::new(), 0);
        loop {
            let (after, started) = (moment(took / 3), Instant::now());
            if !start_and_kill(&place, &LONG, if kills % 2 == 0 { "1" } else { "2" }, || started.elapsed() >= after) {
                break;
            }
            kills += 1;
            // A run that is always killed before it saves would never end.
            assert!(kills < 200);
        }
        assert_equal(&place, &whole, &format!("round {round} of many kills, {kills} of them"));
    }
}

#[test]
fn a_cnn_that_is_killed_ends_as_one_that_never_was() {
    let (whole, _) = unbroken(&CNN, 6);
    let mut generator = stream(21, Purpose::Order(1));
    for round in 0..3 {
        let place = Place::new();
        // From the first checkpoint on, a little later each time: there is always a checkpoint to resume from.
        let wait = Duration::from_millis(u64::from(generator.next_u32() % 40) * round);
        let mut since = None;
        let killed = start_and_kill(&place, &CNN, "1", || {
            let is_there = since.is_some() || place.out().join(CHECKPOINT).exists();
            is_there && since.get_or_insert_with(Instant::now).elapsed() >= wait
        });
        assert!(killed || round > 0, "the run was over before its first checkpoint could be seen");
        start_and_kill(&place, &CNN, "2", || false);
        assert_equal(&place, &whole, &format!("round {round}, killed {wait:?} after its first checkpoint"));
    }
}

#[test]
fn runs_killed_while_they_write_end_as_one_that_never_was() {
    let (whole, _) = unbroken(&LONG, 40);
    let half_written = |out: &Path| {
        let names = fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    };
    let place = Place::new();
    let mut left = 0;
    for write in 0..12 {
        // The first temporary file only tests that one can be written; later ones are checkpoints.
        let (mut seen, mut is_there) = (0, false);
        let killed = start_and_kill(&place, &LONG, "1", || {
            let now = half_written(&place.out()) > 0;
            seen += usize::from(now && !is_there);
            is_there = now;
            seen > write % 4
        });
        left += half_written(&place.out());
        if !killed {
            break;
        }
    }
    assert!(left > 0, "no kill has met a write");
    start_and_kill(&place, &LONG, "1", || false);
    assert_equal(&place, &whole, "killed while writing");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_within_the_epoch_and_says_how_to_go_on() {
    let (whole, _) = unbroken(&LONG, 40);
    let place = Place::new();
    for (round, epoch) in [2, 5, 9].into_iter().enumerate() {
        let mut child = if round == 0 { place.start(&LONG) } else { place.start(&["--resume"]) };
        wait_for_row(&mut child, epoch);
        let interrupt = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        let stopped = stderr.strip_prefix("stopped in epoch ").and_then(|text| text.split_once(" of 40 after "));
        assert!(stopped.is_some_and(|(at, _)| at.parse::<u64>().unwrap() > epoch), "{stderr}");
        assert!(stderr.contains("saved to `out/checkpoint.safetensors`"), "{stderr}");
        assert!(stderr.contains("cargo xtask demo --resume --out out"), "{stderr}");
        assert_eq!(names(&place.out()), [CHECKPOINT.to_owned()].into());
    }
    let text = place.completes(&["--resume"]);
    assert!(text.contains("resumed      out/checkpoint.safetensors, after epoch "), "{text}");
    assert_equal(&place, &whole, "interrupted");
}
