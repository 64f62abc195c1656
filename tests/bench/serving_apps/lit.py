"""The models as a LitServe server, batching on, as its documentation writes one: ``lit.py MODEL PORT COLUMNS``."""

import json
import sys
from typing import Any

import joblib
import litserve  # type: ignore[import-not-found]  # lives in an environment of its own
import numpy as np
import pandas as pd

PLACE, PORT, COLUMNS = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])


class Served(litserve.LitAPI):  # type: ignore[misc]  # untyped here
    """One model; a frame is built where the model needs one (``COLUMNS`` given)."""

    def setup(self, device: str) -> None:
        """Load."""
        self.model = joblib.load(PLACE)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Take the row."""
        return request["input"] if COLUMNS else np.asarray(request["input"])

    def batch(self, inputs: list[Any]) -> Any:
        """Put rows together."""
        return pd.DataFrame(inputs, columns=COLUMNS) if COLUMNS else np.stack(inputs)

    def predict(self, rows: Any) -> Any:
        """Answer a batch."""
        return self.model.predict(rows)

    def unbatch(self, output: Any) -> list[Any]:
        """Take answers apart."""
        return list(output)

    def encode_response(self, output: Any) -> dict[str, int]:
        """Say the label."""
        return {"output": int(output)}


if __name__ == "__main__":
    api = Served(max_batch_size=128, batch_timeout=0.01)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue="--fast" in sys.argv).run(
        port=PORT, host="127.0.0.1", generate_client_file=False, log_level="warning", num_api_servers=1
    )
