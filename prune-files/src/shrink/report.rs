//! The report of a shrink: every number that a user asks for, by family, by layer and in total.

use core::fmt;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prune_graph::{Method, Removal, Stays};
use prune_onnx::{Analysis, Dead};
use prune_schedule::Target;
use prune_schedule::table::{Column, aligned, percent, shape};
use serde::Serialize;

use super::choose::{ChosenRemoval, selects};
use super::{ShrinkBy, ShrinkJob};
use crate::error::show;
use crate::text::clipped::clipped;
use crate::text::size;
use crate::text::term::Term;

/// The report of a shrink. Displays as tables; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShrinkReport {
    /// The model as it was given.
    pub model: String,
    /// The path of the smaller model.
    pub output: String,
    /// The file of kept indices, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_file: Option<String>,
    /// The way in which the removed classes were chosen, in words.
    pub chosen_by: String,
    /// The multiple that counts were rounded to; `None` for masks and for channels without effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple: Option<usize>,
    /// True if nothing was removed: the output is the model, byte for byte.
    pub unchanged: bool,
    /// The families, in the order of their first members.
    pub families: Vec<FamilyShare>,
    /// The number of classes of all families.
    pub classes: usize,
    /// The number of classes that stay.
    pub classes_kept: usize,
    /// Weights of rank 2 or more, in the order of names.
    pub layers: Vec<ShrunkLayer>,
    /// Elements of all floating constants before.
    pub parameters_before: u64,
    /// Elements of all floating constants after.
    pub parameters_after: u64,
    /// Multiply-adds of convolutions and matrix products before; `None` if lengths are not known.
    pub multiply_adds_before: Option<u64>,
    /// Multiply-adds after.
    pub multiply_adds_after: Option<u64>,
    /// Bytes of the model, including data outside of it.
    pub bytes_before: u64,
    /// Bytes of the output.
    pub bytes_after: u64,
    /// The reasons why the rest cannot be removed, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<StaysReport>,
    /// Warnings for the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The part of a family that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FamilyShare {
    /// The weights whose slices are its classes.
    pub weights: Vec<String>,
    /// The number of its classes.
    pub classes: usize,
    /// The number of its classes that stay.
    pub kept: usize,
    /// True if `include` and `exclude` let it lose classes.
    pub selected: bool,
}

/// The part of a weight that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShrunkLayer {
    /// Its name.
    pub layer: String,
    /// Its type.
    pub dtype: String,
    /// Its shape before.
    pub shape: Vec<usize>,
    /// Its shape after.
    pub shape_after: Vec<usize>,
    /// Multiply-adds of the nodes that read it, before; `None` if no such node is counted.
    pub multiply_adds: Option<u64>,
    /// The same multiply-adds, after.
    pub multiply_adds_after: Option<u64>,
}

/// Indices of an axis that stay, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StaysReport {
    /// The weight.
    pub layer: String,
    /// The axis.
    pub axis: usize,
    /// The number of indices that stay for this reason.
    pub indices: usize,
    /// The length of the axis.
    pub of: usize,
    /// The operator.
    pub operator: String,
    /// The reason, which begins with the operator.
    pub reason: String,
}

/// The report of a choice, before anything is written.
pub(super) fn told(job: &ShrinkJob, analysis: &Analysis<'_>, chosen: &ChosenRemoval) -> ShrinkReport {
    let removal = &chosen.removal;
    let classes = analysis.classes();
    let nothing = Removal::none(classes);
    let narrow = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
    let families: Vec<FamilyShare> = classes
        .families()
        .iter()
        .map(|family| FamilyShare {
            weights: analysis.weights_of(family).into_iter().map(str::to_owned).collect(),
            classes: family.classes().len(),
            kept: family.classes().iter().filter(|&&class| !removal.is_gone(class)).count(),
            selected: selects(job, analysis, family),
        })
        .collect();
    let mut warnings = Vec::new();
    if classes.is_empty() {
        warnings.push(format!("no channel of this model can be removed; {} says why", Term::Explain));
    }
    if !chosen.left.is_empty() {
        let shown: Vec<String> = chosen
            .left
            .iter()
            .take(10)
            .map(|(axis, index, why)| {
                let name = clipped(classes.name(axis.tensor));
                format!("`{name}`, axis {}, index {index}: {why}", axis.axis)
            })
            .collect();
        let more = chosen.left.len() - shown.len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let count = chosen.left.len();
        warnings.push(format!("{count} slices that the masks close stay: {}{more}", shown.join("; ")));
    }
    if !chosen.live.is_empty() {
        let shown = chosen.live.iter().take(10).map(|(name, count)| format!("`{}` {count}", clipped(name)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = chosen.live.len().saturating_sub(10);
        let more = if more > 0 { format!(" and of {more} more constants") } else { String::new() };
        warnings.push(format!(
            "channels that the masks close lose values that no mask closes and that are not 0, so outputs may change: {shown}{more}; \
             train with 'bias': True, and give the masks of biases, scales and shifts, too"
        ));
    }
    if let Some(dead) = &chosen.dead {
        warnings.extend(dead_warnings(dead));
    }
    ShrinkReport {
        model: show(&job.model),
        output: String::new(),
        kept_file: None,
        chosen_by: chosen_by(&job.by),
        multiple: (!matches!(job.by, ShrinkBy::Masks(_) | ShrinkBy::Dead)).then_some(job.multiple),
        unchanged: removal.is_empty(),
        classes: families.iter().map(|family| family.classes).sum(),
        classes_kept: families.iter().map(|family| family.kept).sum(),
        families,
        layers: layers(analysis, removal),
        parameters_before: narrow(analysis.all_parameters()),
        parameters_after: narrow(analysis.parameters(removal)),
        multiply_adds_before: analysis.multiply_adds(&nothing).map(narrow),
        multiply_adds_after: analysis.multiply_adds(removal).map(narrow),
        bytes_before: 0,
        bytes_after: 0,
        stays: if job.explain { stays(analysis, chosen.dead.as_ref()) } else { Vec::new() },
        warnings,
    }
}

fn chosen_by(by: &ShrinkBy) -> String {
    let name = |method: &Method| match method {
        Method::ChannelUnifiedLocal => "channel_unified_local",
        Method::ChannelGlobal => "channel_global",
    };
    match by {
        ShrinkBy::Density { method, density, .. } => {
            format!("{}, {}", name(method), Target::Density(*density))
        }
        ShrinkBy::MultiplyAdds { method, fraction, .. } => {
            format!("{}, of the multiply-adds at most: {}", name(method), Target::Density(*fraction))
        }
        ShrinkBy::Parameters { method, fraction, .. } => {
            format!("{}, of the parameters at most: {}", name(method), Target::Density(*fraction))
        }
        ShrinkBy::Masks(path) => format!("the masks in {}", show(path)),
        ShrinkBy::Dead => "channels without effect on any output".to_owned(),
    }
}

/// Floating weights of rank 2 or more.
fn layers(analysis: &Analysis<'_>, removal: &Removal) -> Vec<ShrunkLayer> {
    let classes = analysis.classes();
    let mut work: BTreeMap<&str, [Option<u128>; 2]> = BTreeMap::new();
    let [before, after] = [&Removal::none(classes), removal].map(|removal| analysis.work(removal));
    for (before, after) in before.iter().zip(&after) {
        for name in analysis.model().graph().nodes()[before.node].inputs() {
            let [all, left] = work.entry(name.as_str()).or_insert([Some(0), Some(0)]);
            let add = |to: &mut Option<u128>, more: Option<u128>| *to = to.zip(more).map(|(a, b)| a + b);
            add(all, before.multiply_adds);
            add(left, after.multiply_adds);
        }
    }
    let narrow = |count: Option<u128>| count.map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    // If the uses of a constant are cut in different ways, the report shows the use that keeps the name: the whole
    // constant, or else the first use.
    let mut cut: BTreeMap<String, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for found in analysis.kept(removal) {
        match cut.entry(found.tensor) {
            Entry::Occupied(mut known) if found.axes.is_empty() => _ = known.insert(found.axes),
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => _ = place.insert(found.axes),
        }
    }
    let names = analysis.constant_names().into_iter();
    let weights = names.filter_map(|name| analysis.constant(name).map(|tensor| (name, tensor)));
    weights
        .filter(|(_, tensor)| tensor.data_type().is_floating() && tensor.dims().len() >= 2)
        .map(|(name, tensor)| {
            let mut shape_after = tensor.dims().to_vec();
            for (&axis, kept) in cut.get(name).into_iter().flatten() {
                shape_after[axis] = kept.len();
            }
            let [all, left] = work.get(name).copied().unwrap_or_default();
            ShrunkLayer {
                layer: name.to_owned(),
                dtype: tensor.data_type().to_string(),
                shape: tensor.dims().to_vec(),
                shape_after,
                multiply_adds: narrow(all),
                multiply_adds_after: narrow(left),
            }
        })
        .collect()
}

/// Warnings about channels that are constants.
fn dead_warnings(dead: &Dead) -> Vec<String> {
    let stay: usize = dead.stays().iter().map(|stays| stays.classes).sum();
    let told = [
        (dead.folded(), "whose constant values were added to the biases of their readers".to_owned()),
        (
            dead.unfolded(),
            format!(
                "with constant values stay, since a checkpoint that is cut by {} would lack the new biases",
                Term::Kept
            ),
        ),
        (
            stay,
            format!(
                "with constant values stay, since a reader has no bias that could take them ({} names it)",
                Term::Explain
            ),
        ),
    ];
    told.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("channels {what}: {count}")).collect()
}

fn stays(analysis: &Analysis<'_>, dead: Option<&Dead>) -> Vec<StaysReport> {
    let classes = analysis.classes();
    let constants = dead.into_iter().flat_map(Dead::stays).map(|stays| Stays {
        axis: stays.axis,
        indices: stays.classes,
        of: classes.size(stays.axis).unwrap_or(0),
        reason: &stays.reason,
    });
    let report = |stays: Stays<'_>| StaysReport {
        layer: classes.name(stays.axis.tensor).to_owned(),
        axis: stays.axis.axis,
        indices: stays.indices,
        of: stays.of,
        operator: stays.reason.operator.clone(),
        reason: stays.reason.to_string(),
    };
    classes.explain().into_iter().chain(constants).map(report).collect()
}

impl fmt::Display for ShrinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chosen_by)?;
        if let Some(multiple) = self.multiple.filter(|&multiple| multiple > 1) {
            write!(f, ", counts rounded to multiples of {multiple}")?;
        }
        if !self.families.is_empty() {
            write!(f, "\n{}", self.family_table())?;
        }
        if self.layers.iter().any(|layer| layer.shape != layer.shape_after) {
            write!(f, "\n\n{}", self.layer_table())?;
        }
        if !self.stays.is_empty() {
            write!(f, "\n\n{}", self.stays_table())?;
        }
        let (classes, families) = (self.classes, self.families.len());
        write!(f, "\n\n{classes} classes in {families} families, {} kept", self.classes_kept)?;
        let counts = |before: u64, after: u64| {
            format!("{before} before, {after} after ({})", percent(after as usize, before as usize))
        };
        write!(f, "\nparameters: {}", counts(self.parameters_before, self.parameters_after))?;
        match (self.multiply_adds_before, self.multiply_adds_after) {
            (Some(before), Some(after)) => write!(f, "\nmultiply-adds: {}", counts(before, after))?,
            _ => write!(
                f,
                "\nmultiply-adds: not known without the inputs' shapes ({} NAME=1x3x224x224)",
                Term::InputShapes
            )?,
        }
        let (before, after) = (size::bytes(self.bytes_before), size::bytes(self.bytes_after));
        let share = percent(self.bytes_after as usize, self.bytes_before as usize);
        write!(f, "\n{}: {before} before, {after} after ({share})", self.output)?;
        if self.unchanged {
            f.write_str("; nothing was removed, so it is the model, byte-identical")?;
        }
        if let Some(kept) = &self.kept_file {
            write!(f, "\n{kept}: the indices kept, for {}", Term::Slice)?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

impl ShrinkReport {
    fn family_table(&self) -> String {
        let header = [("family", Column::Left), ("classes", Column::Right), ("kept", Column::Right)];
        let rows = self.families.iter().map(|family| {
            let first = family.weights.first().map(|name| clipped(name)).unwrap_or_default();
            let more = family.weights.len().saturating_sub(1);
            let mut name = if more > 0 { format!("{first} and {more} more") } else { first };
            if !family.selected {
                name += " (left out)";
            }
            [name, family.classes.to_string(), family.kept.to_string()]
        });
        aligned(&header, rows)
    }

    /// The layers that changed. Multiply-adds are left out if none is known.
    fn layer_table(&self) -> String {
        let counted = self.layers.iter().any(|layer| layer.multiply_adds.is_some());
        let mut header = vec![
            ("layer", Column::Left),
            ("shape", Column::Left),
            ("left", Column::Left),
            ("parameters left", Column::Right),
        ];
        if counted {
            header.extend([("multiply-adds", Column::Right), ("left", Column::Right)]);
        }
        let changed = self.layers.iter().filter(|layer| layer.shape != layer.shape_after);
        let rows = changed.map(|layer| {
            let elements = |shape: &[usize]| shape.iter().product::<usize>();
            let mut row = vec![
                clipped(&layer.layer),
                shape(&layer.shape),
                shape(&layer.shape_after),
                percent(elements(&layer.shape_after), elements(&layer.shape)),
            ];
            if counted {
                let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
                row.extend([number(layer.multiply_adds), number(layer.multiply_adds_after)]);
            }
            row
        });
        aligned(&header, rows)
    }

    fn stays_table(&self) -> String {
        let header = [
            ("stays", Column::Left),
            ("axis", Column::Right),
            ("indices", Column::Right),
            ("of", Column::Right),
            ("because", Column::Left),
        ];
        let rows = self.stays.iter().map(|stays| {
            let numbers = [stays.axis, stays.indices, stays.of].map(|number| number.to_string());
            let [axis, indices, of] = numbers;
            [clipped(&stays.layer), axis, indices, of, stays.reason.clone()]
        });
        aligned(&header, rows)
    }
}
