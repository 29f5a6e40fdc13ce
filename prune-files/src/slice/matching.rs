//! Matches the tensors of a checkpoint with the constants of a model.

use std::collections::{BTreeMap, BTreeSet};

use prune_core::{ElementType, Layout};

use super::{AxisCuts, SliceJob};
use crate::error::Error;
use crate::parts::buffer::{Buffer, layer_in};
use crate::parts::runs::Runs;
use crate::read::header::TensorInfo;
use crate::read::model::Model;
use crate::shrink::{Digest, Digester, KeptFile, KeptTensor, USE};
use crate::text::clipped::{clipped, did_you_mean, listed};
use crate::text::term::Term;
use crate::watch::Watch;

/// The cut of each tensor, by its place in the checkpoint.
pub(super) fn matched(
    checkpoint: &Model,
    kept: &KeptFile,
    names: &BTreeMap<String, String>,
    job: &SliceJob,
    watch: &Watch,
) -> Result<BTreeMap<usize, AxisCuts>, Error> {
    let mut found = named(checkpoint, kept, names, job)?;
    let open = |place: usize, found: &BTreeMap<usize, AxisCuts>| !found.contains_key(&place);
    watch.progress.begin("comparing", checkpoint.bytes());
    for (place, tensor) in checkpoint.tensors().enumerate() {
        watch.check()?;
        if open(place, &found)
            && let Some(cut) = by_content(checkpoint, place, tensor, kept, job)?
        {
            found.insert(place, cut);
        }
        watch.progress.advance(tensor.bytes);
    }
    watch.progress.end();
    let there: BTreeSet<&str> = found.values().map(|cut| cut.like.as_str()).collect();
    let missing = kept.tensors.iter().map(|tensor| tensor.name.as_str()).filter(|name| !there.contains(name));
    let missing: Vec<String> = missing.map(str::to_owned).collect();
    if !missing.is_empty() {
        let listed = listed(&missing);
        let model = crate::error::show(&job.checkpoint);
        let tied = |name: &String| found.values().any(|cut| constant_of(&cut.like) == constant_of(name));
        let table = Term::Names;
        let why = if missing.iter().all(tied) {
            format!(
                "{listed} and what {table} calls a tensor of {model} are uses of one constant that lost different indices, so \
                 one tensor cannot be cut for both: save it once more under another name, and name that too"
            )
        } else {
            format!(
                "no tensor of {model} holds the values of {listed}; name their tensors with {table}, or export the model from \
                 this checkpoint"
            )
        };
        return Err(Error::Companion { path: job.kept.clone(), why });
    }
    let buffers = buffers(checkpoint, &found);
    found.extend(buffers);
    for (&place, cut) in &found {
        let tensor = checkpoint.tensors().nth(place);
        if let Some(tensor) = tensor.filter(|tensor| tensor.dtype.bitsize() % 8 != 0) {
            let (name, dtype) = (clipped(&tensor.name), tensor.dtype);
            let why =
                format!("`{name}` is of type {dtype} and would be cut as `{}`; its elements are no bytes", cut.like);
            return Err(Error::Companion { path: job.checkpoint.clone(), why });
        }
    }
    Ok(found)
}

/// Tensors that the table names.
fn named(
    checkpoint: &Model,
    kept: &KeptFile,
    names: &BTreeMap<String, String>,
    job: &SliceJob,
) -> Result<BTreeMap<usize, AxisCuts>, Error> {
    let path = job.names.clone().unwrap_or_default();
    let refuse = |why: String| Err(Error::Companion { path: path.clone(), why });
    let mut found = BTreeMap::new();
    for (from, to) in names {
        let Some(place) = checkpoint.tensors().position(|tensor| tensor.name == *from) else {
            let near = did_you_mean(from, checkpoint.tensors().map(|tensor| tensor.name.as_str()));
            return refuse(format!("the checkpoint has no tensor `{}`{near}", clipped(from)));
        };
        // A constant that lost nothing is not in the file: its tensor stays whole.
        let Some(like) = kept.tensors.iter().find(|tensor| tensor.name == *to) else {
            let of_use = |tensor: &&KeptTensor| tensor.name.strip_prefix(to).is_some_and(|rest| rest.starts_with(USE));
            let uses: Vec<String> = kept.tensors.iter().filter(of_use).map(|tensor| tensor.name.clone()).collect();
            if !uses.is_empty() {
                let (to, uses) = (clipped(to), listed(&uses));
                return refuse(format!("uses of `{to}` lost different indices: name one of {uses}"));
            }
            let near = did_you_mean(to, kept.tensors.iter().map(|tensor| tensor.name.as_str()));
            return refuse(format!("`{}` is no constant of the model that lost indices{near}", clipped(to)));
        };
        let Some(tensor) = checkpoint.tensors().nth(place) else { continue };
        let turned: Vec<usize> = like.shape.iter().rev().copied().collect();
        let cut = if tensor.shape == like.shape {
            cut(like, false, "names")
        } else if like.shape.len() == 2 && tensor.shape == turned {
            cut(like, true, "names, transposed")
        } else {
            let (from, to) = (clipped(from), clipped(to));
            return refuse(format!("`{from}` has shape {:?}, and `{to}` has {:?}", tensor.shape, like.shape));
        };
        found.insert(place, cut);
    }
    Ok(found)
}

/// The constant whose values a tensor holds.
fn by_content(
    checkpoint: &Model,
    place: usize,
    tensor: &TensorInfo,
    kept: &KeptFile,
    job: &SliceJob,
) -> Result<Option<AxisCuts>, Error> {
    let turned: Vec<usize> = tensor.shape.iter().rev().copied().collect();
    let straight = || kept.tensors.iter().filter(|like| like.shape == tensor.shape);
    let transposed = || kept.tensors.iter().filter(|like| like.shape.len() == 2 && like.shape == turned);
    let Some(element) = tensor.element_type().filter(|_| straight().chain(transposed()).next().is_some()) else {
        return Ok(None);
    };
    let mut buffer = Buffer::default();
    let bytes = checkpoint.read_runs(place, Runs::one(0, tensor.elements), &mut buffer)?;
    let own = digest(element, buffer.bytes(bytes), &tensor.shape, false)?;
    let mut same: Vec<(&KeptTensor, bool)> =
        straight().filter(|like| like.content == own).map(|like| (like, false)).collect();
    if same.is_empty() && transposed().next().is_some() {
        let own = digest(element, buffer.bytes(bytes), &tensor.shape, true)?;
        same.extend(transposed().filter(|like| like.content == own).map(|like| (like, true)));
    }
    // Constants of equal values, such as biases of zeros, are told apart by name if that is necessary.
    if let Some(&(like, turned)) = same.iter().find(|(like, _)| like.name == tensor.name) {
        return Ok(Some(cut(like, turned, "content and name")));
    }
    let Some(&(first, turned)) = same.first() else { return Ok(None) };
    if let Some((other, _)) = same.iter().find(|(like, _)| like.axes != first.axes) {
        let both = constant_of(&first.name) == constant_of(&other.name);
        let more = if both { "; if it is both, save it once more under another name" } else { "" };
        let (name, first, other) = (clipped(&tensor.name), clipped(&first.name), clipped(&other.name));
        let why = format!(
            "`{name}` holds the values of `{first}` and of `{other}`, which lost different indices; say with {} which it is{more}",
            Term::Names
        );
        return Err(Error::Companion { path: job.checkpoint.clone(), why });
    }
    Ok(Some(cut(first, turned, if turned { "transposed content" } else { "content" })))
}

/// The constant's name, without the use.
fn constant_of(name: &str) -> &str {
    name.split(USE).next().unwrap_or(name)
}

fn cut(like: &KeptTensor, turned: bool, by: &str) -> AxisCuts {
    let axes = like.axes.iter().map(|axis| (if turned { 1 - axis.axis } else { axis.axis }, axis.kept.clone()));
    AxisCuts { like: like.name.clone(), by: by.to_owned(), axes: axes.collect() }
}

/// Tensors whose names contain that of a matched tensor and that have its shape.
fn buffers(checkpoint: &Model, found: &BTreeMap<usize, AxisCuts>) -> BTreeMap<usize, AxisCuts> {
    let tensors: Vec<&TensorInfo> = checkpoint.tensors().collect();
    let mut buffers = BTreeMap::new();
    for (place, tensor) in tensors.iter().enumerate().filter(|(place, _)| !found.contains_key(place)) {
        let of = found
            .iter()
            .map(|(&of, cut)| (tensors[of], cut))
            .filter(|(of, _)| of.shape == tensor.shape && has_segments(&tensor.name, &of.name))
            .max_by_key(|(of, _)| of.name.len());
        if let Some((of, cut)) = of {
            let (like, axes) = (cut.like.clone(), cut.axes.clone());
            buffers.insert(place, AxisCuts { like, by: format!("buffer of {}", clipped(&of.name)), axes });
        }
    }
    buffers
}

/// True if a name contains another one as whole segments.
fn has_segments(name: &str, inner: &str) -> bool {
    let ends = |c: char| matches!(c, '.' | '/' | ':' | '-');
    name.match_indices(inner).any(|(at, _)| {
        let (before, after) = (&name[..at], &name[at + inner.len()..]);
        (before.is_empty() || before.ends_with(ends)) && (after.is_empty() || after.starts_with(ends))
    })
}

/// The digest of a tensor's values, or of its transposed values.
fn digest(element: ElementType, bytes: &[u8], shape: &[usize], turned: bool) -> Result<Digest, Error> {
    let layout = match *shape {
        [rows, columns] if turned => Layout::new(&[columns, rows], &[1, columns as isize], 0)?,
        _ => Layout::row_major(shape)?,
    };
    let mut digester = Digester::default();
    layer_in(element, bytes, layout).for_each_logical(|value| digester.add(value))?;
    Ok(digester.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_found_by_whole_segments() {
        assert!(has_segments("exp_avg.fc1.weight", "fc1.weight"));
        assert!(has_segments("optimizer/fc1.weight:momentum", "fc1.weight"));
        assert!(!has_segments("exp_avg.xfc1.weight", "fc1.weight"));
        assert!(!has_segments("fc1.weights", "fc1.weight"));
    }
}
