//! The events of a strategy that are carried out on a checkpoint.

use prune_schedule::{Event, GroupAxis, Key, Rule, Strategy};

use crate::error::Error;
use crate::text::term::Term;

/// A strategy in which `axis` is written into every event that can have an axis and has none. Written axes stay, also
/// -1.
///
/// # Errors
///
/// [`Error::Request`] if no event takes the axis; [`Error::Strategy`] if one refuses it.
///
/// # Examples
///
/// ```
/// use prune_files::with_axis;
/// use prune_schedule::{GroupAxis, Strategy};
///
/// let strategy: Strategy = "{0: {'method': 'str_unified_local', 'pattern': '2:4'}, \
///                            1: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': -1}}".parse()?;
/// let strategy = with_axis(&strategy, GroupAxis::Index(0))?;
/// let axes: Vec<_> = strategy.events().map(|(_, event)| event.axis()).collect();
/// assert_eq!(axes, [Some(GroupAxis::Index(0)), Some(GroupAxis::LAST)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_axis(strategy: &Strategy, axis: GroupAxis) -> Result<Strategy, Error> {
    let refused = |source| Error::Strategy { source };
    let unset = |event: &Event| event.has_axis() && event.axis().is_none();
    if !strategy.events().any(|(_, event)| unset(event)) {
        let why = match strategy.events().any(|(_, event)| event.has_axis()) {
            true => "each event of the strategy that takes an axis has one of its own",
            false => "no event of the strategy takes an axis",
        };
        return Err(Error::request(format!("{why}; leave {} out", Term::Axis)));
    }
    let along = |(key, event): (Key, &Event)| {
        let event = event.clone();
        let event = if unset(&event) { event.with_axis(axis).map_err(refused)? } else { event };
        Ok((key, event))
    };
    Strategy::new(strategy.events().map(along).collect::<Result<Vec<_>, Error>>()?).map_err(refused)
}

/// The events of a strategy for a checkpoint: the one at the end of `epoch`, or all of them in order. Ranges and `-1`
/// make masks anew at the end of each of their epochs, so they need an `epoch`.
///
/// # Errors
///
/// [`Error::Request`] if there is no event at `epoch`, if there are no events at all, or if one covers several epochs
/// and no `epoch` is given.
///
/// # Examples
///
/// ```
/// use prune_files::events_of;
///
/// let strategy = "{10: {'method': 'unstr_global', 'density': 0.5}, '20..=30': {'method': 'unstr_global', 'density': 0.1}}";
/// let strategy = strategy.parse()?;
/// assert_eq!(events_of(&strategy, Some(25))?.len(), 1);
/// assert!(events_of(&strategy, None).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn events_of(strategy: &Strategy, epoch: Option<u64>) -> Result<Vec<(Option<Key>, Event)>, Error> {
    if let Some(epoch) = epoch {
        let Some((key, event)) = strategy.event_at(epoch) else {
            let over = |(key, event): (Key, &Event)| between(key, event, epoch);
            if let Some(why) = strategy.events().find_map(over) {
                return Err(Error::request(why));
            }
            let keys: Vec<String> = strategy.events().map(|(key, _)| key.to_string()).collect();
            return Err(Error::request(format!(
                "the strategy has no event at epoch {epoch}; its events are at {}",
                if keys.is_empty() { "no epoch".to_owned() } else { keys.join(", ") }
            )));
        };
        // A density that moves over a range has reached a value by then.
        return Ok(vec![(Some(key), event.at_time(key, epoch))]);
    }
    if let Some((key, _)) = strategy.events().find(|(key, _)| key.in_steps()) {
        return Err(Error::request(format!(
            "the event at {key} is counted in steps of a training, which a checkpoint has not; leave it out"
        )));
    }
    if let Some((key, _)) = strategy.events().find(|(key, _)| key.floats()) {
        return Err(Error::request(format!(
            "the event at {key} happens at the end of each of its epochs, which a checkpoint has not; say which epoch is \
             meant with {}",
            Term::Epoch
        )));
    }
    let events: Vec<_> = strategy.events().map(|(key, event)| (Some(key), event.clone())).collect();
    if events.is_empty() {
        Err(Error::request("the strategy has no events, so there is nothing to do"))
    } else {
        Ok(events)
    }
}

/// Names the happenings before and after an epoch, if the event's key covers the epoch but the event does not happen
/// then.
fn between(key: Key, event: &Event, epoch: u64) -> Option<String> {
    let (first, last) = (key.first()?, key.last()?);
    if key.in_steps() || epoch < first || last < epoch {
        return None;
    }
    let every = event.interval(key);
    let before = first + (epoch - first) / every * every;
    let after = before.saturating_add(every).min(last);
    Some(format!(
        "the event at {key} happens every {every} epochs and at the last: at {before} and {after}, but not at {epoch}; name \
         one of them with {}",
        Term::Epoch
    ))
}

/// Refuses an event that makes sense only while a model trains. `when` begins the message.
pub(crate) fn needs_no_training(when: &str, event: &Event) -> Result<(), Error> {
    let leave_out = |what: &str| Err(Error::request(format!("{when}{what}; leave it out")));
    match event.rule() {
        Rule::Regrow(_) => {
            let method = event.method();
            leave_out(&format!("`{method}` moves what masks keep while a model trains, and nothing trains here"))
        }
        _ if event.reopen().is_some() => {
            leave_out("`reopen` opens weights for training to fill, and nothing trains here")
        }
        _ if event.rewind().is_some() => {
            leave_out("`rewind` goes back to weights of an earlier epoch, which a checkpoint has not")
        }
        _ if event.straight_through() => leave_out("`straight_through` is for training, and nothing trains here"),
        _ => Ok(()),
    }
}
