//! The port protocol of Unit 1.35.0: messages, queues, shared-memory segments, RPC streams.
