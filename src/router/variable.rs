//! The variables of templates, by name and by what they stand for in a request.

/// Values that are computed once in a request, at first use, and stay.
#[derive(Debug, Default)]
pub(super) struct Frozen {}
