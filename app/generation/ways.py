"""Who makes the calls of a task's steps, by the route that is followed now."""

from app.generation.models import Task
from app.providers.base import REMOTE
from app.providers.catalog import Part


def of(task: Task, position: int) -> Part:
    """For the step at that place."""
    route = task.route[task.route_index]
    if "parts" in route:
        return Part(**route["parts"][position])
    lane, most = route.get("lane", REMOTE), route.get("most", 4)
    return Part(route["provider"], route["model"], lane, route["steps"][position], most)
