//! Parsers for the values of options.

use prune_core::Density;
use prune_schedule::GroupAxis;

pub(super) fn sparsity(text: &str) -> Result<Density, String> {
    let removed: f64 = text.trim().parse().map_err(|_| "write the fraction removed, such as 0.9".to_owned())?;
    Density::from_sparsity(removed).map_err(|error| error.to_string())
}

pub(super) fn axis(text: &str) -> Result<GroupAxis, String> {
    match text.parse() {
        Ok(index) => Ok(GroupAxis::Index(index)),
        Err(_) if text == "reduction" => Ok(GroupAxis::Reduction),
        Err(_) => Err("write an index such as 1 or -1, or `reduction`".to_owned()),
    }
}

pub(super) fn multiple(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(multiple) if multiple > 0 => Ok(multiple),
        _ => Err("write a whole number from 1 on, such as 4".to_owned()),
    }
}

pub(super) fn input(text: &str) -> Result<(String, Vec<usize>), String> {
    let usual = || "write a name and a shape, such as image=1x3x640x640".to_owned();
    // A name may hold an equal sign; a shape holds none.
    let (name, shape) = text.rsplit_once('=').ok_or_else(usual)?;
    let lengths = shape.split('x').map(|length| length.parse().ok().filter(|&length: &usize| length > 0));
    let shape = lengths.collect::<Option<Vec<usize>>>().ok_or_else(usual)?;
    if name.is_empty() { Err(usual()) } else { Ok((name.to_owned(), shape)) }
}
