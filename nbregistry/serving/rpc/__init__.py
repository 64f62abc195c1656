"""The Open Inference Protocol over gRPC: messages built at run time; codecs, permissions and counts are HTTP's."""
