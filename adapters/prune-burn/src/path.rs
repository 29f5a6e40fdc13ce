//! The path of a traversal through a module.

/// Burn's name for the container of a reparameterisation's parameters.
const REPARAMETERIZATION: &str = "Reparameterization";

/// The position of a traversal: the names entered, each with the type of its container.
#[derive(Debug, Default)]
pub(crate) struct Path {
    entered: Vec<(String, String)>,
}

impl Path {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.entered.push((name.to_owned(), container.to_owned()));
    }

    pub(crate) fn exit(&mut self) {
        self.entered.pop();
    }

    /// The name of the parameter here: its path with dots.
    pub(crate) fn name(&self) -> String {
        joined(&self.entered)
    }

    /// The type of the module with the parameter here, and the parameter's field.
    pub(crate) fn field(&self) -> (&str, &str) {
        self.entered
            .last()
            .map_or(("", ""), |(name, container)| (container.strip_prefix("Struct:").unwrap_or(container), name))
    }

    /// Within a reparameterisation, its name and the name of the parameter that has it.
    pub(crate) fn reparameterization(&self) -> Option<(&str, String)> {
        let place = self.entered.iter().position(|(_, container)| container == REPARAMETERIZATION)?;
        Some((&self.entered[place].0, joined(&self.entered[..place])))
    }
}

fn joined(entered: &[(String, String)]) -> String {
    entered.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".")
}
