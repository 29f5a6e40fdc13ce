//! Index classes of a network: which indices of which tensors can be removed together, and which of them to remove.
