//! The line of a module that is no image but data for an environment: `data=NAME`.

use super::error::CommandLineError;
use super::{ModuleOptions, each_word, words};

/// The name of the environment that a module is data for; `None` where the line is an environment's own.
///
/// # Errors
/// A line with `data` on it that has something else as well, or no name.
pub fn data_owner(line: &str) -> Result<Option<&str>, CommandLineError<'_>> {
    if !words(line).flatten().any(|word| word.key == "data") {
        return Ok(None);
    }
    let mut owner = None;
    each_word(line, |word| match word.key {
        "data" => {
            let name = word.value()?.plain().filter(|name| !name.is_empty());
            owner = Some(name.ok_or_else(|| word.bad("the name of an environment"))?);
            Ok(())
        }
        key => Err(CommandLineError::BesideData { key }),
    })?;
    Ok(owner)
}

/// Checks the data of all modules: each is for one of these environments, and no two are for the same.
///
/// # Errors
/// The first that is not.
pub fn check_data<'m, 'a: 'm>(
    environments: impl Iterator<Item = &'m ModuleOptions<'a>> + Clone,
    owners: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), CommandLineError<'a>> {
    for (index, name) in owners.clone().enumerate() {
        if !environments.clone().any(|environment| environment.name == name) {
            return Err(CommandLineError::DataForNobody { name });
        }
        if owners.clone().take(index).any(|earlier| earlier == name) {
            return Err(CommandLineError::SecondData { name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
