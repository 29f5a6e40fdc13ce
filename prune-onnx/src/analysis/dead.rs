//! Classes that can go without any effect.

use std::collections::{BTreeMap, HashMap, HashSet};

use prune_graph::{ClassId, Removal, TensorId};

use super::engine::Engine;
use super::{Analysis, AnalysisOptions};
use crate::error::Error;

impl Analysis<'_> {
    /// The ranked classes whose removal changes no output: wherever values of the class are summed over, each product is
    /// exactly 0, since the weight that reads it has zeros there, or since the value is 0 itself (zero rows and bias, or a
    /// normalisation with scale and shift 0, through activations that give 0 for 0). The first class of a family stays if
    /// all of its classes are such. A channel whose value is a constant other than 0 stays.
    ///
    /// # Errors
    ///
    /// Errors of reading constants.
    ///
    /// # Complexity
    ///
    /// One pass over the constants, and one walk over the model for each family and each set of its constants that are 0 in
    /// some class.
    pub fn dead(&self) -> Result<Removal, Error> {
        let zeros = self.zero_slices()?;
        // Classes of one family that have zeros in the same constants are all dead, or none is.
        let mut alike: BTreeMap<(usize, Vec<TensorId>), Vec<ClassId>> = BTreeMap::new();
        for (number, family) in self.classes.families().iter().enumerate() {
            for &class in family.classes() {
                if let Some(constants) = zeros.get(&class) {
                    alike.entry((number, constants.clone())).or_default().push(class);
                }
            }
        }
        let mut removal = Removal::none(&self.classes);
        for ((number, constants), members) in alike {
            let zeros: HashSet<TensorId> = constants.into_iter().collect();
            let walk = Engine::run(self.model, &AnalysisOptions::default(), &self.apart, Some(zeros))?;
            let axes = self.classes.families()[number].axes();
            let met = walk.sums.iter().filter(|sum| sum.axes.iter().any(|axis| axes.contains(axis)));
            if met.into_iter().all(|sum| sum.zero) {
                members.into_iter().for_each(|class| removal.close(class));
            }
        }
        for family in self.classes.families() {
            if family.classes().iter().all(|&class| removal.is_gone(class)) {
                removal.reopen(family.classes()[0]);
            }
        }
        Ok(removal)
    }

    /// For each class with any, the uses of constants of which all slices of the class are 0.
    fn zero_slices(&self) -> Result<HashMap<ClassId, Vec<TensorId>>, Error> {
        let mut zeros: HashMap<ClassId, Vec<TensorId>> = HashMap::new();
        for found in &self.uses {
            let Some(constant) = self.constants.get(found.name.as_str()) else { continue };
            let sizes: Option<Vec<usize>> = self.classes.sizes(found.id).iter().copied().collect();
            let Some(sizes) = sizes.filter(|_| constant.tensor.data_type().is_floating()) else { continue };
            let mut zero: Vec<Vec<bool>> = sizes.iter().map(|&n| vec![true; n]).collect();
            constant.tensor.visit(|index, value| {
                if value != 0.0 {
                    let mut rest = index;
                    for (axis, &n) in sizes.iter().enumerate().rev() {
                        zero[axis][rest % n] = false;
                        rest /= n;
                    }
                }
            })?;
            // A class may have several slices of one constant: all of them count.
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
