//! The limit on open files. A login often gives a program 1,024, and lets it raise that far higher without any privilege.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to `wanted` open files, or as near to it as the system allows; never lowers it. Returns the limit that
/// now holds.
pub(crate) fn raise(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else { return usize::MAX };
    let wanted = maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let is_raised = wanted > current && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    usize::try_from(if is_raised { wanted } else { current }).unwrap_or(usize::MAX)
}
