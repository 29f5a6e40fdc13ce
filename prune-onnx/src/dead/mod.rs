//! Classes that can go without any effect on the outputs.

mod masked;
mod uniform;

use std::collections::{BTreeMap, HashMap, HashSet};

use prune_core::Mask;
use prune_graph::{ClassId, Classes, Family, Reason, Removal, Role, TensorAxis, TensorId};

use crate::analysis::{Analysis, AnalysisOptions, NodeSum};
use crate::error::Error;
use crate::walk;
pub use masked::MadeOfZero;
pub(crate) use uniform::Addend;
use uniform::{Linear, SoleReaders, Uniforms, uniforms};

/// Classes whose removal changes no output, and the constants that biases take over from them.
#[derive(Debug, Clone)]
pub struct Dead {
    removal: Removal,
    folds: Vec<Fold>,
    stays: Vec<DeadStays>,
    unfolded: usize,
}

/// A constant input of a layer: the class, the index, and the number, which is not 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fold {
    class: ClassId,
    pub(crate) node: usize,
    pub(crate) index: usize,
    pub(crate) number: f64,
}

/// Classes of one axis that are constants, and that stay for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadStays {
    /// The axis of a weight that writes them.
    pub axis: TensorAxis,
    /// The number of these classes.
    pub classes: usize,
    /// The reader of the constant that cannot take it over, and why.
    pub reason: Reason,
}

impl Dead {
    fn none(classes: &Classes) -> Self {
        Dead { removal: Removal::none(classes), folds: Vec::new(), stays: Vec::new(), unfolded: 0 }
    }

    /// The classes that go.
    pub fn removal(&self) -> &Removal {
        &self.removal
    }

    /// Classes that are constants other than 0 and stay, because a reader has no bias that could take the constant
    /// over.
    pub fn stays(&self) -> &[DeadStays] {
        &self.stays
    }

    /// The number of classes that stay only because biases may not take constants over.
    pub fn unfolded(&self) -> usize {
        self.unfolded
    }

    /// The number of classes that go while biases take over their constants.
    pub fn folded(&self) -> usize {
        self.folded_classes().len()
    }

    fn folded_classes(&self) -> HashSet<ClassId> {
        self.folds.iter().map(|fold| fold.class).collect()
    }
}

/// The facts about a model that hold whatever is removed.
struct FixedFacts<'m> {
    uniforms: Uniforms<'m>,
    /// The layers that take sums, by node.
    layers: HashMap<usize, Linear<'m>>,
}

/// The verdict on one class.
enum Verdict {
    Lives,
    Stays(Reason),
    Goes(Vec<Fold>),
}

impl Analysis<'_> {
    /// The ranked classes whose removal changes no output.
    ///
    /// No sum needs such a class, for one of two reasons. Either each product is exactly 0, because the value is 0 or
    /// the weight that reads it has zeros there. Or the value is another number that does not depend on the input, and
    /// every reader can take over what it adds as part of a bias: a Gemm, a MatMul with an addition behind it, or an
    /// unpadded Conv. [`Analysis::edits_of_dead`] makes those changes. A padded Conv reads such a number differently at
    /// borders, so the class stays ([`Dead::stays`]). If all classes of a family could go, one stays.
    ///
    /// # Errors
    ///
    /// Errors of reading constants.
    ///
    /// # Complexity
    ///
    /// One pass over the constants, and one more for each layer of the longest chain in which each layer is dead only
    /// because the next one is. Each pass walks over the model once for each family and each set of its constants that
    /// are 0 in some class.
    pub fn dead(&self) -> Result<Dead, Error> {
        self.dead_where(|_| true, true)
    }

    /// As [`Analysis::dead`], but only families that are `selected` lose classes. If `may_fold` is false, classes stay
    /// whose constants biases would take over ([`Dead::unfolded`]), and so does everything that only such classes read.
    /// This is for a case where other tensors are cut in the same way, such as those of a checkpoint: they do not get
    /// the new biases.
    ///
    /// # Errors
    ///
    /// As [`Analysis::dead`].
    pub fn dead_where(&self, selected: impl Fn(&Family) -> bool, may_fold: bool) -> Result<Dead, Error> {
        let mut dead = Dead::none(&self.classes);
        let selected: Vec<bool> = self.classes.families().iter().map(selected).collect();
        let sole = SoleReaders::new(self.model);
        let (known, bare) = (uniforms(self, &sole)?, self.sums(HashSet::new())?);
        let layers = bare.iter().filter_map(|sum| Some((sum.node, Linear::of(self, &sole, sum.node)?)));
        let known = FixedFacts { uniforms: known, layers: layers.collect() };
        // A class that only dead classes read is dead as well.
        loop {
            let before = dead.removal.len();
            self.add_dead(&mut dead, &known, &bare, &selected, may_fold)?;
            if dead.removal.len() == before {
                return Ok(dead);
            }
        }
    }

    /// Finds more dead classes, given those that are already known. `bare` are the sums of a walk in which no constant
    /// counts as 0.
    fn add_dead(
        &self,
        dead: &mut Dead,
        known: &FixedFacts<'_>,
        bare: &[NodeSum],
        selected: &[bool],
        may_fold: bool,
    ) -> Result<(), Error> {
        let zeros = self.zero_slices(dead, &HashMap::new())?;
        // Classes of one family that have zeros in the same constants are met by the same walk.
        let mut alike: BTreeMap<(usize, Vec<TensorId>), Vec<ClassId>> = BTreeMap::new();
        for (number, family) in self.classes.families().iter().enumerate().filter(|(number, _)| selected[*number]) {
            for &class in family.classes().iter().filter(|&&class| !dead.removal.is_gone(class)) {
                let constants = zeros.get(&class).cloned().unwrap_or_default();
                alike.entry((number, constants)).or_default().push(class);
            }
        }
        let mut stays: BTreeMap<TensorAxis, Vec<(Reason, usize)>> = BTreeMap::new();
        let mut goes: BTreeMap<usize, BTreeMap<ClassId, Vec<Fold>>> = BTreeMap::new();
        dead.unfolded = 0;
        for ((number, constants), members) in alike {
            let family = &self.classes.families()[number];
            let walked;
            let sums = if constants.is_empty() {
                bare
            } else {
                walked = self.sums(constants.into_iter().collect())?;
                &walked
            };
            let met: Vec<&NodeSum> =
                sums.iter().filter(|sum| sum.axes.iter().any(|axis| family.axes().contains(axis))).collect();
            for class in members {
                match self.verdict(class, &met, known) {
                    Verdict::Lives => {}
                    Verdict::Goes(folds) if !folds.is_empty() && !may_fold => dead.unfolded += 1,
                    Verdict::Goes(folds) => _ = goes.entry(number).or_default().insert(class, folds),
                    Verdict::Stays(reason) => {
                        let counts = stays.entry(self.written(family.axes())).or_default();
                        match counts.iter_mut().find(|(known, _)| *known == reason) {
                            Some((_, count)) => *count += 1,
                            None => counts.push((reason, 1)),
                        }
                    }
                }
            }
        }
        for (number, mut goes) in goes {
            let left = self.classes.families()[number].classes().iter().filter(|&&class| !dead.removal.is_gone(class));
            if left.count() == goes.len() {
                // One stays. It must be a class of this pass: later findings may rest on classes that went before.
                goes.pop_first();
            }
            for (class, folds) in goes {
                dead.removal.close(class);
                dead.folds.extend(folds);
            }
        }
        let told = stays.into_iter().flat_map(|(axis, counts)| counts.into_iter().map(move |count| (axis, count)));
        dead.stays = told.map(|(axis, (reason, classes))| DeadStays { axis, classes, reason }).collect();
        Ok(())
    }

    /// The sums of the model in a walk where only these constants count as 0.
    fn sums(&self, zeros: HashSet<TensorId>) -> Result<Vec<NodeSum>, Error> {
        Ok(walk::run(self.model, &AnalysisOptions::default(), &self.apart, Some(zeros))?.sums)
    }

    fn verdict(&self, class: ClassId, sums: &[&NodeSum], known: &FixedFacts<'_>) -> Verdict {
        let (mut folds, mut refused) = (Vec::new(), None);
        for sum in sums.iter().filter(|sum| !sum.zero) {
            let node = &self.model.graph().nodes()[sum.node];
            let Some(layer) = known.layers.get(&sum.node).filter(|_| sum.slots == [0, 1]) else {
                return Verdict::Lives;
            };
            let read = node.input(0).and_then(|name| known.uniforms.get(name)).filter(|read| read.axis == layer.axis);
            let Some(read) = read else { return Verdict::Lives };
            for (index, number) in read.numbers.iter().enumerate() {
                if self.classes.class_of(sum.axes[0], index) != Some(class) {
                    continue;
                }
                match (number, layer.takes()) {
                    (None, _) => return Verdict::Lives,
                    (Some(number), _) if *number == 0.0 => {}
                    (Some(number), Ok(_)) => folds.push(Fold { class, node: sum.node, index, number: *number }),
                    (Some(_), Err(why)) => refused = refused.or(Some((sum.node, why))),
                }
            }
        }
        match refused {
            Some((node, why)) => Verdict::Stays(self.reason(node, why)),
            None => Verdict::Goes(folds),
        }
    }

    /// A reason that names a node.
    fn reason(&self, node: usize, why: &'static str) -> Reason {
        let node = &self.model.graph().nodes()[node];
        let name = if node.name().is_empty() { node.output(0).unwrap_or("") } else { node.name() };
        Reason::new(node.op_type(), name, why)
    }

    /// The axis that names a family: of a weight that writes it, or else of one that reads it.
    fn written(&self, axes: &[TensorAxis]) -> TensorAxis {
        let weights = || axes.iter().filter(|axis| self.classes.is_weight(axis.tensor));
        let written = weights().find(|&&axis| self.classes.role(axis) == Some(Role::Writer));
        *written.or_else(|| weights().next()).unwrap_or(&axes[0])
    }

    /// The numbers to add to each bias that takes over constants.
    pub(crate) fn additions(&self, dead: &Dead) -> Result<Vec<(Addend<'_>, Vec<f64>)>, Error> {
        let mut read: BTreeMap<usize, HashMap<usize, f64>> = BTreeMap::new();
        for fold in &dead.folds {
            read.entry(fold.node).or_default().insert(fold.index, fold.number);
        }
        let sole = SoleReaders::new(self.model);
        let mut all = Vec::new();
        for (node, numbers) in read {
            let Some(layer) = Linear::of(self, &sole, node) else { continue };
            let Ok(addend) = layer.takes() else { continue };
            let inputs: Vec<f64> =
                (0..layer.inputs()).map(|index| numbers.get(&index).copied().unwrap_or(0.0)).collect();
            all.push((addend, layer.adds(&inputs)?));
        }
        Ok(all)
    }

    /// For each class, the uses of constants whose slices of the class are all 0 without the removed indices; classes
    /// without such uses are left out. A bias takes over what a folded class adds to the outputs of its readers. So a
    /// folded class is missing only from slices of inputs: an output that reads nothing else is a constant, not 0.
    /// Values that `masks` close count as 0.
    fn zero_slices(&self, dead: &Dead, masks: &HashMap<&str, &Mask>) -> Result<HashMap<ClassId, Vec<TensorId>>, Error> {
        let (gone, folded) = (&dead.removal, dead.folded_classes());
        let mut zeros: HashMap<ClassId, Vec<TensorId>> = HashMap::new();
        for found in &self.uses {
            let Some(constant) = self.constants.get(found.name.as_str()) else { continue };
            let sizes: Option<Vec<usize>> = self.classes.sizes(found.id).iter().copied().collect();
            let Some(sizes) = sizes.filter(|_| constant.tensor.data_type().is_floating()) else { continue };
            // For each index, two flags: it counts in slices of inputs, and it counts in other slices.
            let there = |(axis, &n): (usize, &usize)| -> Vec<[bool; 2]> {
                let class = |index| self.classes.class_of(found.id.axis(axis), index);
                let there = |class: Option<ClassId>| match class.filter(|&class| gone.is_gone(class)) {
                    Some(class) => [false, folded.contains(&class)],
                    None => [true, true],
                };
                (0..n).map(|index| there(class(index))).collect()
            };
            let there: Vec<Vec<[bool; 2]>> = sizes.iter().enumerate().map(there).collect();
            let side: Vec<usize> = (0..sizes.len())
                .map(|axis| usize::from(self.classes.role(found.id.axis(axis)) != Some(Role::Reader)))
                .collect();
            let mut zero: Vec<Vec<bool>> = sizes.iter().map(|&n| vec![true; n]).collect();
            let mut place = vec![0; sizes.len()];
            let mask = masks.get(found.name.as_str());
            constant.tensor.visit(|index, value| {
                if value != 0.0 && mask.is_none_or(|mask| mask.is_kept(index)) {
                    let mut rest = index;
                    for (axis, &n) in sizes.iter().enumerate().rev() {
                        place[axis] = rest % n;
                        rest /= n;
                    }
                    let counts = [0, 1].map(|side| place.iter().zip(&there).all(|(&index, there)| there[index][side]));
                    for ((&index, zero), &side) in place.iter().zip(&mut zero).zip(&side) {
                        zero[index] &= !counts[side];
                    }
                }
            })?;
            // A class may have several slices of one constant. All of them must be 0.
            let mut of_class: BTreeMap<ClassId, bool> = BTreeMap::new();
            for (axis, flags) in zero.iter().enumerate() {
                for (index, &flag) in flags.iter().enumerate() {
                    if let Some(class) = self.classes.class_of(found.id.axis(axis), index) {
                        *of_class.entry(class).or_insert(true) &= flag;
                    }
                }
            }
            for (class, _) in of_class.into_iter().filter(|(_, zero)| *zero) {
                zeros.entry(class).or_default().push(found.id);
            }
        }
        Ok(zeros)
    }
}
