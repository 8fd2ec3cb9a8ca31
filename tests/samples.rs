//! Every sample, processed as the README says.
