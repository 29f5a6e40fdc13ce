//! The evidence of an event: everything it looks at besides the weights.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use prune_core::{Error, ErrorKind, Layers, Masks as CoreMasks, PlainTensor};
use prune_schedule::{Evidence, Inputs, MeasureInputs};
use pyo3::prelude::*;

use crate::array::{Array, BorrowedArrays, Model, Readable, Views};
use crate::masks::Masks;

/// The arguments of a call.
#[derive(Default)]
pub(crate) struct Arguments<'a, 'py> {
    pub(crate) gradients: Option<&'a Bound<'py, PyAny>>,
    pub(crate) inputs: Option<&'a Bound<'py, PyAny>>,
    pub(crate) scores: Option<&'a Bound<'py, PyAny>>,
    pub(crate) rewind: Option<&'a Bound<'py, PyAny>>,
}

/// The arrays of the arguments, borrowed, and the function that measures inputs, if `inputs` is one.
pub(crate) struct EvidenceArrays<'py> {
    gradients: Option<BorrowedArrays<'py>>,
    norms: Option<BorrowedArrays<'py>>,
    scores: Option<BorrowedArrays<'py>>,
    rewind: Option<BorrowedArrays<'py>>,
    measure: Option<Measure<'py>>,
    frozen: bool,
}

/// Their elements.
pub(crate) struct GivenViews<'a> {
    gradients: Option<Views<'a>>,
    norms: Option<Views<'a>>,
    scores: Option<Views<'a>>,
    rewind: Option<Views<'a>>,
    signals: Signals,
}

/// Signals such as Ctrl-C, and the errors that they raise.
struct Signals {
    /// True if a signal has come. It is asked between layers.
    come: Box<dyn Fn() -> bool + Send + Sync>,
    /// The error that it raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

/// A Python function that measures the norms of a layer's inputs under masks.
struct Measure<'py> {
    call: Box<MeasureInputs<'py>>,
    /// The error that it raised.
    raised: Rc<RefCell<Option<PyErr>>>,
}

impl<'py> EvidenceArrays<'py> {
    pub(crate) fn of(arguments: &Arguments<'_, 'py>) -> PyResult<Self> {
        let mut frozen = true;
        let mut read = |object: Option<&Bound<'py, PyAny>>, what: &str| -> PyResult<Option<BorrowedArrays<'py>>> {
            let Some(object) = object.filter(|object| !object.is_none()) else { return Ok(None) };
            let model = Model::of(object, what)?;
            frozen &= model.is_frozen();
            model.read().map(Some)
        };
        let measured = arguments.inputs.filter(|inputs| inputs.is_callable());
        let given = EvidenceArrays {
            gradients: read(arguments.gradients, "gradients")?,
            norms: read(arguments.inputs.filter(|_| measured.is_none()), "inputs")?,
            scores: read(arguments.scores, "scores")?,
            rewind: read(arguments.rewind, "rewind")?,
            measure: measured.map(Measure::of),
            frozen: true,
        };
        Ok(EvidenceArrays { frozen, ..given })
    }

    /// True if nothing can write any of the arrays and no Python function is called.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen && self.measure.is_none()
    }

    pub(crate) fn views(&self) -> GivenViews<'_> {
        GivenViews {
            gradients: self.gradients.as_ref().map(BorrowedArrays::views),
            norms: self.norms.as_ref().map(BorrowedArrays::views),
            scores: self.scores.as_ref().map(BorrowedArrays::views),
            rewind: self.rewind.as_ref().map(BorrowedArrays::views),
            signals: Signals::new(),
        }
    }

    /// The evidence: the arrays, and the function that measures inputs.
    pub(crate) fn evidence<'e>(&'e self, views: &'e GivenViews<'_>) -> Evidence<'e> {
        let measure = self.measure.as_ref().map(|measure| Inputs::Measure(&*measure.call));
        Evidence { inputs: measure.or(views.evidence().inputs), ..views.evidence() }
    }

    /// The error that the function for inputs or a signal has raised, if any.
    pub(crate) fn raised(&self, views: &GivenViews<'_>) -> Option<PyErr> {
        let measured = self.measure.as_ref().and_then(|measure| measure.raised.take());
        measured.or_else(|| views.signals.raised.lock().ok()?.take())
    }
}

impl Signals {
    fn new() -> Self {
        let raised = Arc::new(Mutex::new(None));
        let raises = Arc::clone(&raised);
        let come = move || {
            let Err(error) = Python::attach(|py| py.check_signals()) else { return false };
            if let Ok(mut raises) = raises.lock() {
                *raises = Some(error);
            }
            true
        };
        Signals { come: Box::new(come), raised }
    }
}

impl GivenViews<'_> {
    /// The evidence from arrays.
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            gradients: self.gradients.as_ref().map(|views| views as &dyn Layers),
            inputs: self.norms.as_ref().map(|views| Inputs::Norms(views)),
            scores: self.scores.as_ref().map(|views| views as &dyn Layers),
            rewind: self.rewind.as_ref().map(|views| views as &dyn Layers),
            stop: Some(&*self.signals.come),
        }
    }
}

impl<'py> Measure<'py> {
    fn of(function: &Bound<'py, PyAny>) -> Self {
        let raised = Rc::new(RefCell::default());
        let (function, raises) = (function.clone(), Rc::clone(&raised));
        let call = move |layer: &str, masks: &CoreMasks| {
            norms(&function, layer, masks).unwrap_or_else(|error| {
                raises.replace(Some(error));
                Err(ErrorKind::Opaque { why: "the function that measures its inputs raised".to_owned() }.into())
            })
        };
        Measure { call: Box::new(call), raised }
    }
}

/// Calls the function for the norms of a layer's inputs under masks.
fn norms(function: &Bound<'_, PyAny>, layer: &str, masks: &CoreMasks) -> PyResult<Result<PlainTensor<f64>, Error>> {
    let norms = function.call1((layer, Masks::from(masks.clone())))?;
    let lent = Readable::of(&Array::of(&norms)?)?;
    let view = lent.view();
    let layer = view.layer();
    Ok(layer.to_logical_f64().and_then(|values| PlainTensor::from_logical(layer.shape(), values)))
}
