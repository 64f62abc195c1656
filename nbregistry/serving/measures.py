"""Everything a server counts, named once: what ``/metrics``, the dashboard and the statistics of a handle read.

Label values are ours: names of models that are served, their version numbers, words of fixed lists. What a client sends
never becomes one, or anybody could fill the memory with labels.
"""

from __future__ import annotations

from typing import Any

from nbregistry.serving.metrics import ROWS, Family, Shape, counter, gauge, histogram, state_of


class Measures:
    """The families of one process.

    ``model`` is the endpoint's name, ``version`` the number that answered (empty when none did), ``protocol`` one of
    ``native``, ``mlflow``, ``inference``, ``seldon``, ``grpc`` and ``operations``, ``status`` a class such as ``2xx``.
    """

    def __init__(self) -> None:
        self.requests = counter(
            "nbregistry_requests_total", "Requests answered.", "model", "version", "protocol", "status"
        )
        self.seconds = histogram(
            "nbregistry_request_seconds", "Time from a request's headers to its answer.", "model", "version", "protocol"
        )
        self.rows = counter("nbregistry_rows_total", "Rows answered with predictions.", "model", "version", "protocol")
        self.in_flight = gauge("nbregistry_requests_in_flight", "Requests under way.")
        self.queue_rows = gauge("nbregistry_queue_rows", "Rows that wait for the model.", "model")
        self.batch_rows = histogram(
            "nbregistry_batch_rows", "Rows put together for one run of a model.", "model", "version", bounds=ROWS
        )
        self.batch_wait = histogram(
            "nbregistry_batch_wait_seconds", "Time that a request's rows waited for the model.", "model", "version"
        )
        self.run_seconds = histogram("nbregistry_run_seconds", "Time of one run of a model.", "model", "version")
        self.errors = counter(
            "nbregistry_errors_total", "Requests not answered with predictions, by cause.", "model", "version", "kind"
        )
        self.rejected = counter("nbregistry_rejected_total", "Requests refused before a model was asked.", "reason")
        self.swaps = counter("nbregistry_swaps_total", "Changes of the version served.", "model", "result")
        self.served = gauge("nbregistry_served", "1 for each version served now.", "model", "version", across="max")
        self.compiled = gauge(
            "nbregistry_compiled", "1 when the compiled model answers, 0 when the original does.", "model", "version",
            across="max",
        )  # fmt: skip
        self.node_seconds = histogram(
            "nbregistry_node_seconds", "Time inside a node of a graph, its children included.", "graph", "node"
        )
        self.node_errors = counter("nbregistry_node_errors_total", "Failures of a node of a graph.", "graph", "node")
        self.routed = counter("nbregistry_routed_total", "Requests sent to an arm.", "graph", "node", "route")
        self.shadow = counter(
            "nbregistry_shadow_rows_total", "Rows of a shadow: agreed, differed, failed or skipped.", "graph", "node",
            "outcome",
        )  # fmt: skip
        self.feedback = counter("nbregistry_feedback_total", "Rewards received.", "graph", "node", "route")
        self.reward = gauge(
            "nbregistry_feedback_reward", "Sum of the rewards received.", "graph", "node", "route", across="ever"
        )
        self.connections = gauge("nbregistry_connections", "Open connections.")
        self.log_dropped = counter(
            "nbregistry_log_dropped_total", "Log lines given up so that no answer waits for the disk.", "log"
        )
        self.workers = gauge("nbregistry_workers", "Processes that answer.")
        self.restarts = counter("nbregistry_worker_restarts_total", "Processes started again after they ended.")
        self.memory = gauge("process_resident_memory_bytes", "Memory in use.")
        self.started = gauge("process_start_time_seconds", "Start, in seconds since 1970.", across="min")

    @property
    def families(self) -> tuple[Family[Any], ...]:
        """Every family, in the order of this file."""
        return tuple(value for value in vars(self).values() if isinstance(value, Family))

    def state(self) -> dict[str, list[list[Any]]]:
        """Return what was counted, as plain data."""
        return state_of(self.families)


SHAPES: tuple[Shape, ...] = tuple(family.shape for family in Measures().families)
"""What every process counts, whichever of them is asked."""
