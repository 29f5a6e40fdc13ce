//! A node during the walk, with everything that its operator may ask and state.

use prune_graph::{Factoring, Graph, GraphError, ReasonId, Role, TensorAxis, TensorId};

use super::engine::Engine;
use super::faults;
use super::value::Value;
use super::work::{NodeSum, WorkAxes};
use crate::model::{Node, Tensor};
use crate::shapes::{ConstantPlace, Int, Shape, Size};

/// The end of an operator's statements about a node, before they are complete.
#[derive(Debug)]
pub(crate) enum Stop {
    /// All that the node touches is pinned. The phrase follows the operator's name in the explanation.
    Pin(&'static str),
    /// The graph is refused.
    Fail(GraphError),
}

impl From<GraphError> for Stop {
    fn from(error: GraphError) -> Self {
        Stop::Fail(error)
    }
}

/// The result of an operator's statements.
pub(crate) type StatementResult = Result<(), Stop>;

/// States the rule of an operator for a node.
pub(crate) type State = fn(&mut Site<'_, '_>) -> StatementResult;

/// A node and the values that it reads.
///
/// The walk pins whatever an operator does not mention: inputs that it does not follow by [`Site::axis`], outputs that
/// it does not declare, and axes whose lengths are elements of an integer input that it does not take by
/// [`Site::ints`]. An operator that forgets something is thus too careful, but never wrong.
pub(crate) struct Site<'e, 'm> {
    engine: &'e mut Engine<'m>,
    /// The node's position.
    pub(crate) at: usize,
    /// The node.
    pub(crate) node: &'m Node,
    inputs: Vec<Option<Value>>,
    followed: Vec<bool>,
    taken: Vec<bool>,
    why: ReasonId,
}

impl<'e, 'm> Site<'e, 'm> {
    pub(crate) fn new(engine: &'e mut Engine<'m>, at: usize, node: &'m Node, inputs: Vec<Option<Value>>) -> Self {
        let why = engine.why(node, "joins axes that it cannot join");
        let (followed, taken) = (vec![false; inputs.len()], vec![false; inputs.len()]);
        Site { engine, at, node, inputs, followed, taken, why }
    }

    /// Lets an operator state what it does, and pins what it leaves.
    pub(crate) fn state(mut self, operator: State) -> Result<(), GraphError> {
        match operator(&mut self) {
            Ok(()) => self.finish(None),
            Err(Stop::Pin(why)) => self.finish((!faults::dropped()).then_some(why)),
            Err(Stop::Fail(error)) => Err(error),
        }
    }

    /// Pins all that a node of an unknown operator touches.
    pub(crate) fn unknown(self) -> Result<(), GraphError> {
        self.finish(Some("is not followed"))
    }

    fn finish(mut self, stop: Option<&'static str>) -> Result<(), GraphError> {
        let inputs = std::mem::take(&mut self.inputs);
        let why = self.engine.why(self.node, stop.unwrap_or("reads it whole"));
        let computes = self.engine.why(self.node, stop.unwrap_or("computes with its length"));
        for (slot, value) in inputs.iter().enumerate() {
            let Some(value) = value else { continue };
            if (stop.is_some() || !self.followed[slot]) && !faults::dropped() {
                self.engine.graph.pin_tensor(value.id, why);
            }
            if (stop.is_some() || !self.taken[slot]) && !faults::dropped() {
                self.engine.freeze(value.ints.as_deref().unwrap_or(&[]), computes);
            }
        }
        for name in self.node.outputs().iter().filter(|name| !name.is_empty()) {
            let constant = self.engine.constants.contains_key(name.as_str());
            if let Some(value) = self.engine.values.get(name.as_str()) {
                if stop.is_some() && !faults::dropped() {
                    let id = value.id;
                    self.engine.graph.pin_tensor(id, why);
                }
            } else if !constant {
                let shape = match self.engine.stated.get(name.as_str()).copied() {
                    Some(info) => self.engine.stated_shape(info),
                    None => None,
                };
                let id = self.engine.declare(name, shape, None, false)?;
                if !faults::dropped() {
                    self.engine.graph.pin_tensor(id, why);
                }
            }
        }
        Ok(())
    }

    /// The version of ONNX's operators.
    pub(crate) fn opset(&self) -> i64 {
        self.engine.model.opset()
    }

    /// The graph, for statements that have no shorthand here.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn graph(&mut self) -> &mut Graph {
        if faults::dropped() { &mut self.engine.dropped } else { &mut self.engine.graph }
    }

    /// A reason that names this node.
    pub(crate) fn reason(&mut self, why: &'static str) -> ReasonId {
        self.engine.why(self.node, why)
    }

    /// True if the node has this input.
    pub(crate) fn has(&self, slot: usize) -> bool {
        self.inputs.get(slot).is_some_and(Option::is_some)
    }

    fn value(&self, slot: usize) -> Result<&Value, Stop> {
        self.inputs.get(slot).and_then(Option::as_ref).ok_or(Stop::Pin("lacks an input"))
    }

    /// The shape of an input.
    pub(crate) fn shape(&self, slot: usize) -> Result<Shape, Stop> {
        let shape = self.value(slot)?.shape.as_ref().ok_or(Stop::Pin("reads a value of unknown rank"))?;
        followed_rank(shape.len())?;
        Ok(shape.clone())
    }

    /// An axis of an input. From here on the operator follows the input.
    pub(crate) fn axis(&mut self, slot: usize, axis: usize) -> Result<TensorAxis, Stop> {
        let id = self.value(slot)?.id;
        self.followed[slot] = true;
        Ok(id.axis(axis))
    }

    /// The elements of an integer input. The operator takes care of the axes that they are copies of, and of constants
    /// among them.
    pub(crate) fn ints(&mut self, slot: usize) -> Option<Vec<Int>> {
        let mut ints = self.inputs.get(slot)?.as_ref()?.ints.clone()?;
        self.taken[slot] = true;
        if self.tensor(slot).is_some() {
            let node = self.at;
            ints.iter_mut()
                .enumerate()
                .for_each(|(element, int)| int.source = Some(ConstantPlace { node, slot, element }));
        }
        Some(ints)
    }

    /// The elements of an integer input with which the operator computes.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn computed_ints(&mut self, slot: usize) -> Option<Vec<Int>> {
        let ints = self.ints(slot)?;
        self.freeze(&ints);
        Some(ints)
    }

    /// States that the operator computes with these elements.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn freeze(&mut self, ints: &[Int]) {
        let why = self.reason("computes with its length");
        if !faults::dropped() {
            self.engine.freeze(ints, why);
        }
    }

    /// States that an element has to be the length of an axis after every removal.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn follow(&mut self, int: &Int, axis: TensorAxis) {
        let why = self.reason("has its length from a computation");
        if !faults::dropped() {
            self.engine.follow(int, axis, why);
        }
    }

    /// True if the elements are known. The operator need not take care of them.
    pub(crate) fn has_ints(&self, slot: usize) -> bool {
        self.inputs.get(slot).and_then(Option::as_ref).is_some_and(|value| value.ints.is_some())
    }

    /// Elements of an integer input that are all numbers and follow no axis.
    pub(crate) fn constants(&mut self, slot: usize) -> Option<Vec<i64>> {
        self.inputs.get(slot)?.as_ref()?.ints.as_ref()?.iter().map(Int::constant).collect()
    }

    /// The tensor of an input that is a constant of the model.
    pub(crate) fn tensor(&self, slot: usize) -> Option<&'m Tensor> {
        let name = self.node.input(slot)?;
        self.engine.constants.get(name).map(|constant| constant.tensor)
    }

    /// True if the input is 0 in each class that goes.
    pub(crate) fn vanishes(&self, slot: usize) -> bool {
        self.inputs.get(slot).and_then(Option::as_ref).is_some_and(|value| value.vanishes)
    }

    /// Declares an output. `vanishes` is explained at [`Value::vanishes`].
    pub(crate) fn output(&mut self, slot: usize, shape: Shape, vanishes: bool) -> Result<(), Stop> {
        followed_rank(shape.len())?;
        if let Some(name) = self.node.output(slot) {
            self.engine.declare(name, Some(shape), None, vanishes)?;
        }
        Ok(())
    }

    /// Declares output 0 with a shape, and pins it and all inputs, since the operator does not follow them.
    pub(crate) fn opaque(&mut self, shape: Shape, why: &'static str) -> StatementResult {
        let rank = shape.len();
        self.output(0, shape, false)?;
        let reason = self.reason(why);
        (0..rank).for_each(|axis| self.pin_out(0, axis, why));
        for slot in 0..self.inputs.len() {
            let Some(value) = self.inputs[slot].clone() else { continue };
            (self.followed[slot], self.taken[slot]) = (true, true);
            if !faults::dropped() {
                self.engine.graph.pin_tensor(value.id, reason);
            }
            if !faults::dropped() {
                self.engine.freeze(value.ints.as_deref().unwrap_or(&[]), reason);
            }
        }
        Ok(())
    }

    /// States if a declared output is 0 in each class that goes.
    pub(crate) fn set_vanishes(&mut self, slot: usize, vanishes: bool) {
        let value = self.node.output(slot).and_then(|name| self.engine.values.get_mut(name));
        if let Some(value) = value {
            value.vanishes = vanishes;
        }
    }

    /// Declares an integer output whose elements are followed: a list, or a single element without an axis.
    pub(crate) fn int_output(&mut self, slot: usize, ints: Vec<Int>, scalar: bool) -> Result<(), Stop> {
        if let Some(name) = self.node.output(slot) {
            let shape = if scalar { Vec::new() } else { vec![Size::of(ints.len())] };
            let why = self.reason("reads it whole");
            let id = self.engine.declare(name, Some(shape), Some(ints), false)?;
            self.engine.graph.pin_tensor(id, why);
        }
        Ok(())
    }

    /// The tensor of a declared output.
    fn written(&self, slot: usize) -> Option<TensorId> {
        self.node.output(slot).and_then(|name| self.engine.values.get(name)).map(|value| value.id)
    }

    /// An axis of a declared output; `None` if the node leaves the output out.
    pub(crate) fn out(&self, slot: usize, axis: usize) -> Option<TensorAxis> {
        self.written(slot).map(|id| id.axis(axis))
    }

    /// An unknown length, for an axis of an output. If the file states a length for that axis, it is taken.
    pub(crate) fn fresh(&mut self) -> Size {
        self.engine.symbols.fresh()
    }

    /// Joins two axes index by index.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn join(&mut self, a: TensorAxis, b: TensorAxis) {
        let why = self.why;
        if !faults::dropped() {
            self.engine.graph.join(a, b, why);
        }
    }

    /// Joins an axis of an input with one of an output.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn pass(&mut self, slot: usize, axis: usize, out: usize, out_axis: usize) -> StatementResult {
        let a = self.axis(slot, axis)?;
        if let Some(b) = self.out(out, out_axis) {
            self.join(a, b);
        }
        Ok(())
    }

    /// States that an axis of an output has runs of `n` indices, if its length is `n` times symbols. Its length must
    /// follow every removal.
    pub(crate) fn set_runs(&mut self, out: usize, axis: usize, size: &Size) {
        if let (Some(run), Some(axis)) = (size.run(), self.out(out, axis)) {
            self.engine.graph.set_runs(axis, run);
        }
    }

    /// True if an axis has runs.
    pub(crate) fn has_runs(&self, axis: TensorAxis) -> bool {
        self.engine.graph.runs(axis).is_some()
    }

    /// Pins axes of runs whose lengths these elements copy, because nothing else follows their lengths.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn pin_runs(&mut self, ints: &[Int]) {
        let why = self.reason("makes another axis of its length");
        for axis in ints.iter().filter_map(|int| int.copy_of) {
            if self.has_runs(axis) && !faults::dropped() {
                self.engine.graph.pin(axis, why);
            }
        }
    }

    /// Notes that an axis of an output holds the values of an input's axis as they are. A node that reads or writes a
    /// transposed weight then does so with the weight.
    pub(crate) fn view(&mut self, slot: usize, axis: usize, out: usize, out_axis: usize) -> StatementResult {
        let of = self.axis(slot, axis)?;
        if let Some(axis) = self.out(out, out_axis) {
            self.engine.graph.view(axis, of);
        }
        Ok(())
    }

    /// Pins an axis of an input.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn pin(&mut self, slot: usize, axis: usize, why: &'static str) -> StatementResult {
        let axis = self.axis(slot, axis)?;
        let why = self.reason(why);
        if !faults::dropped() {
            self.engine.graph.pin(axis, why);
        }
        Ok(())
    }

    /// Pins an axis of an output.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn pin_out(&mut self, out: usize, axis: usize, why: &'static str) {
        if let Some(axis) = self.out(out, axis)
            && !faults::dropped()
        {
            let why = self.reason(why);
            self.engine.graph.pin(axis, why);
        }
    }

    /// True if every index of an axis is pinned already.
    pub(crate) fn is_pinned(&mut self, axis: TensorAxis) -> bool {
        self.engine.graph.is_pinned(axis)
    }

    /// True if every index of an axis of output 0 is pinned already.
    pub(crate) fn stays(&mut self, axis: usize) -> bool {
        self.out(0, axis).is_none_or(|axis| self.is_pinned(axis))
    }

    /// Joins two axes over which the operator sums products. An index can go only if a factor is 0 there.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn contract(&mut self, (a, x): (usize, usize), (b, y): (usize, usize)) -> StatementResult {
        let (left, right) = (self.axis(a, x)?, self.axis(b, y)?);
        self.join(left, right);
        self.summed((a, left), (b, right));
        self.engine.graph.role(left, Role::Reader);
        self.engine.graph.role(right, Role::Reader);
        if !self.vanishes(a) && !self.vanishes(b) {
            self.pin(a, x, "sums over the axis")?;
        }
        Ok(())
    }

    /// Notes that products of two inputs are summed over an axis of each.
    pub(crate) fn summed(&mut self, (a, left): (usize, TensorAxis), (b, right): (usize, TensorAxis)) {
        let zero = self.vanishes(a) || self.vanishes(b);
        for axis in [left, right].into_iter().filter(|&axis| self.has_runs(axis)).collect::<Vec<_>>() {
            let why = self.reason("sums over the axis");
            self.engine.graph.pin(axis, why);
        }
        self.engine.sums.push(NodeSum { node: self.at, slots: [a, b], axes: [left, right], zero });
    }

    /// States the role of an input's axis.
    pub(crate) fn role(&mut self, slot: usize, axis: usize, role: Role) -> StatementResult {
        let axis = self.axis(slot, axis)?;
        self.engine.graph.role(axis, role);
        Ok(())
    }

    /// States a regrouping of axes.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn factor(&mut self, factoring: Factoring) {
        if !faults::dropped() {
            self.engine.graph.factor(factoring);
        }
    }

    /// Notes multiply-adds: the product of the lengths of these axes.
    pub(crate) fn work(&mut self, axes: Vec<TensorAxis>) {
        self.engine.works.push(WorkAxes { node: self.at, axes });
    }

    /// An attribute that is a whole number.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.node.int(name).unwrap_or(default)
    }
}

/// Tensors with more axes are not followed. A file can claim any number of axes, and operators compare axes with each
/// other.
const MOST_AXES: usize = 64;

/// The number of axes, if it is small enough to be followed.
pub(crate) fn followed_rank(rank: usize) -> Result<usize, Stop> {
    if rank <= MOST_AXES { Ok(rank) } else { Err(Stop::Pin("has more axes than are followed")) }
}

/// The position of an axis that may be counted from the end.
pub(crate) fn position(axis: i64, rank: usize) -> Result<usize, Stop> {
    let at = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    at.and_then(|at| usize::try_from(at).ok())
        .filter(|&at| at < rank)
        .ok_or(Stop::Pin("names an axis that is not there"))
}
