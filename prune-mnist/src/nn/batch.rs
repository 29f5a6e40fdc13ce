//! Samples as bytes, and batches of them as numbers.

use super::error::NnError;
use super::real::Real;
use super::simd::vectorised;

/// Labelled images in stored form: one byte for each pixel, sample after sample, and one byte for each label.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    pixels: &'a [u8],
    labels: &'a [u8],
    sample: usize,
}

impl<'a> Samples<'a> {
    /// `labels.len()` samples of `sample` pixels each.
    ///
    /// # Errors
    /// [`NnError::CountsDisagree`] if there are more or fewer pixels.
    pub fn new(pixels: &'a [u8], labels: &'a [u8], sample: usize) -> Result<Self, NnError> {
        if labels.len().checked_mul(sample) != Some(pixels.len()) {
            return Err(NnError::CountsDisagree { images: pixels.len(), labels: labels.len(), sample });
        }
        Ok(Self { pixels, labels, sample })
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of one sample.
    #[must_use]
    pub fn sample_len(&self) -> usize {
        self.sample
    }
}

/// A batch. Its memory is used again for the next batch.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{Batch, Samples};
///
/// let samples = Samples::new(&[0, 255, 51, 0], &[7, 1], 2)?;
/// let mut batch = Batch::<f32>::new();
/// batch.fill(&samples, &[1, 0])?;
/// assert_eq!(batch.images(), [0.2, 0.0, 0.0, 1.0]);
/// assert_eq!(batch.labels(), [1, 7]);
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch<T> {
    images: Vec<T>,
    labels: Vec<u8>,
}

impl<T: Real> Batch<T> {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the samples with these indices, in this order; pixels become numbers from 0 to 1.
    ///
    /// # Errors
    /// [`NnError::NoSuchSample`] for an index past the last sample; the batch is then empty.
    pub fn fill(&mut self, samples: &Samples<'_>, indices: &[u32]) -> Result<(), NnError> {
        self.images.clear();
        self.labels.clear();
        let count = samples.len();
        if let Some(&index) = indices.iter().find(|&&index| index as usize >= count) {
            return Err(NnError::NoSuchSample { index, count });
        }
        let size = samples.sample;
        self.images.resize(indices.len() * size, T::zero());
        self.labels.extend(indices.iter().map(|&index| samples.labels[index as usize]));
        for (image, &index) in self.images.chunks_exact_mut(size.max(1)).zip(indices) {
            let start = index as usize * size;
            convert(&samples.pixels[start..start + size], image);
        }
        Ok(())
    }

    /// Takes the samples from `start` on, at most `count` of them.
    pub(super) fn fill_range(&mut self, samples: &Samples<'_>, start: usize, count: usize) {
        let end = (start + count).min(samples.len());
        self.images.resize((end - start) * samples.sample, T::zero());
        self.labels.clear();
        self.labels.extend_from_slice(&samples.labels[start..end]);
        convert(&samples.pixels[start * samples.sample..end * samples.sample], &mut self.images);
    }

    /// The images, sample after sample.
    #[must_use]
    pub fn images(&self) -> &[T] {
        &self.images
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

vectorised! {
    fn convert<'a, T>(pixels: &'a [u8], values: &'a mut [T]) {
        let white = T::from_u8(u8::MAX);
        for (value, &pixel) in values.iter_mut().zip(pixels) {
            *value = T::from_u8(pixel) / white;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn counts_and_indices_are_checked() {
        let message = Samples::new(&[0; 5], &[1, 2], 3).unwrap_err().to_string();
        assert_eq!(message, "5 image values for 2 labels; a sample of this model has 3 values");
        let samples = Samples::new(&[0; 6], &[1, 2], 3).unwrap();
        let mut batch = Batch::<f32>::new();
        let message = batch.fill(&samples, &[0, 2]).unwrap_err().to_string();
        assert_eq!(message, "sample 2 was asked for, but there are 2");
        assert!(batch.labels().is_empty() && samples.sample_len() == 3 && !samples.is_empty());
    }

    #[test]
    fn a_range_holds_what_its_indices_hold() {
        let pixels: Vec<u8> = (0..60).collect();
        let samples = Samples::new(&pixels, &[1, 2, 3, 4, 5, 6], 10).unwrap();
        let (mut by_range, mut by_index) = (Batch::<f64>::new(), Batch::<f64>::new());
        by_range.fill_range(&samples, 4, 3);
        by_index.fill(&samples, &[4, 5]).unwrap();
        assert_eq!((by_range.images(), by_range.labels()), (by_index.images(), by_index.labels()));
    }
}
