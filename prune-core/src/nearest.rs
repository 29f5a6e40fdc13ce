//! The known name that a misspelt one most likely means.

/// The nearest of `known` to `name` by Jaro-Winkler similarity; none if no name is near.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > LONGEST {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for candidate in known.into_iter().filter(|candidate| candidate.len() <= LONGEST) {
        let similarity = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
        if similarity > NEAR && best.is_none_or(|(top, _)| similarity > top) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Below this, two names have nothing to do with each other, and a hint would mislead.
const NEAR: f64 = 0.7;

/// The comparison takes the product of both lengths; nobody misspells a name this long.
const LONGEST: usize = 256;
