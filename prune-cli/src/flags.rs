//! Names of flags and subcommands, for messages of the library.

use prune_files::Term;

/// The flag or subcommand for a setting or function of the library.
pub(crate) fn flag(term: Term) -> String {
    match term {
        Term::FromZeros => "`prune mask --from-zeros`".to_owned(),
        Term::KeptWriter => "`prune shrink --kept`".to_owned(),
        Term::Expand | Term::Slice => format!("`prune {}`", term.name()),
        Term::Output => "-o".to_owned(),
        Term::InputShapes => "--input".to_owned(),
        term => format!("--{}", term.name().replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn each_term_is_a_flag_or_a_subcommand_that_there_is() {
        let command = Arguments::command();
        for &term in Term::ALL {
            let text = flag(term);
            let words: Vec<&str> = text.trim_matches('`').split(' ').filter(|word| *word != "prune").collect();
            let has = |verb: &clap::Command| {
                words.iter().all(|word| match (word.strip_prefix("--"), word.strip_prefix('-')) {
                    (Some(long), _) => verb.get_arguments().any(|argument| argument.get_long() == Some(long)),
                    (None, Some(short)) => {
                        verb.get_arguments().any(|argument| argument.get_short() == short.chars().next())
                    }
                    (None, None) => verb.get_name() == *word,
                })
            };
            assert!(!words.is_empty() && command.get_subcommands().any(has), "{term:?}: {text}");
        }
    }
}
