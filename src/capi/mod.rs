//! Every exported `extern "C"` function: thin shims, no logic.
