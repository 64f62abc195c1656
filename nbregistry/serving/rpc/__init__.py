"""The Open Inference Protocol over gRPC: messages built at run time, the same codecs, permissions and counts as HTTP."""
