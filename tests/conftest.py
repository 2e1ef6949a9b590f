"""What all tests share: no test may fail for being slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("mnemon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mnemon")
