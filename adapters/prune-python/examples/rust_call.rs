//! The Rust call that `benches/masks.py` compares Python with. For each line on standard input, it makes one mask of
//! the f32 values in a file and prints the seconds that it took.

use std::error::Error;
use std::io::{BufRead as _, stdin};
use std::time::Instant;

use prune_core::{Density, PlainTensor, PruneExt as _};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: rust_call FILE")?;
    let values: Vec<f32> = std::fs::read(path)?
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let weights = PlainTensor::from_logical(&[values.len()], values)?;
    println!("ready");
    for line in stdin().lock().lines() {
        let density = Density::new(line?.trim().parse()?)?;
        let started = Instant::now();
        let mask = weights.mask_unstructured(density)?;
        let seconds = started.elapsed().as_secs_f64();
        println!("{seconds} {}", mask.kept_len());
    }
    Ok(())
}
