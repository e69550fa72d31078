"""Routes that are neither commands nor declared reads: papers, proofs, quotes, callbacks, the service itself."""
