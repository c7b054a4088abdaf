"""Writes sarima.json: statsmodels' SARIMA(0,1,1)(0,1,1)12 of the logarithm of the airline passengers, the last 12 months held out.

    pip install statsmodels numpy
    python generate.py
"""

import csv
import json
from pathlib import Path

import numpy as np
import statsmodels
from statsmodels.tsa.statespace.sarimax import SARIMAX

folder = Path(__file__).parent
with open(folder / "../../../examples/comparison/data/air-passengers.csv", newline="") as file:
    series = np.array([float(row["Passengers"]) for row in csv.DictReader(file)])

# As the ARIMA of textbooks and of ctsa: the likelihood of the differenced series.
fit = SARIMAX(np.log(series[:-12]), order=(0, 1, 1), seasonal_order=(0, 1, 1, 12), simple_differencing=True).fit(disp=False)
full = SARIMAX(np.log(series[:-12]), order=(0, 1, 1), seasonal_order=(0, 1, 1, 12)).smooth(fit.params)
forecast = full.get_forecast(12)
point = np.exp(forecast.predicted_mean)
truth = series[-12:]
result = {
    "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__},
    "logLikelihood": fit.llf,
    "parameters": dict(zip(fit.param_names, fit.params)),
    "forecast": point.tolist(),
    "interval80": np.exp(forecast.conf_int(alpha=0.2)).tolist(),
    "mape": float(np.mean(np.abs(point - truth) / truth)),
    "rmse": float(np.sqrt(np.mean((point - truth) ** 2))),
}
(folder / "sarima.json").write_text(json.dumps(result, indent=1) + "\n")
print(json.dumps(result, indent=1))
