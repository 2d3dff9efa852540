"""What GitHub's answers look like, for the simulator: every field that the published description requires. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

_OWNER_LINKS = (
    *("avatar_url", "events_url", "followers_url", "following_url", "gists_url", "html_url", "organizations_url"),
    *("received_events_url", "repos_url", "starred_url", "subscriptions_url", "url"),
)
_REPOSITORY_LINKS = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks"),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams"),
    "trees",
)
_RUN_LINKS = ("jobs", "logs", "check_suite", "artifacts", "cancel", "rerun")


@cache
def owner(name: str, base: str) -> dict[str, Any]:
    """An account."""
    return {
        **{link: f"{base}/users/{name}/{link}" for link in _OWNER_LINKS},
        "id": 1,
        "node_id": "U_1",
        "login": name,
        "gravatar_id": "",
        "site_admin": False,
        "type": "Organization",
    }


@cache
def repository(full_name: str, base: str) -> dict[str, Any]:
    """A repository as it stands within a run."""
    account, _, name = full_name.partition("/")
    url = f"{base}/repos/{full_name}"
    return {
        **{f"{link}_url": f"{url}/{link}" for link in _REPOSITORY_LINKS},
        "id": 7,
        "node_id": "R_7",
        "name": name,
        "full_name": full_name,
        "owner": owner(account, base),
        "private": False,
        "fork": False,
        "description": None,
        "url": url,
        "html_url": url,
    }


def run(
    run_id: int, *, number: int, attempt: int, name: str, path: str, branch: str, commit: str, event: str, status: str,
    conclusion: str | None, created_at: str, updated_at: str, home: str, head: str, base: str,
) -> dict[str, Any]:  # fmt: skip
    """A workflow run; `home` is the repository, `head` the one that its branch is in."""
    url = f"{base}/repos/{home}/actions/runs/{run_id}"
    return {
        **{f"{link}_url": f"{url}/{link}" for link in _RUN_LINKS},
        "id": run_id,
        "node_id": f"WFR_{run_id}",
        "name": name,
        "path": path,
        "head_branch": branch,
        "head_sha": commit,
        "run_number": number,
        "run_attempt": attempt,
        "display_title": f"{name} {number}",
        "event": event,
        "status": status,
        "conclusion": conclusion,
        "workflow_id": 1,
        "workflow_url": f"{base}/repos/{home}/actions/workflows/1",
        "url": url,
        "html_url": url,
        "pull_requests": [],
        "created_at": created_at,
        "updated_at": updated_at,
        "run_started_at": created_at,
        "head_commit": {
            "id": commit,
            "tree_id": commit,
            "message": "a change",
            "timestamp": created_at,
            "author": {"name": "Ada", "email": "ada@example.org"},
            "committer": {"name": "Ada", "email": "ada@example.org"},
        },
        "repository": repository(home, base),
        "head_repository": repository(head, base),
    }


def job(
    job_id: int, *, run_id: int, attempt: int, name: str, branch: str, commit: str, status: str, conclusion: str | None,
    started_at: str, completed_at: str | None, steps: list[tuple[str, str]], home: str, base: str,
) -> dict[str, Any]:  # fmt: skip
    """A job with its steps (name and conclusion)."""
    url = f"{base}/repos/{home}/actions"
    return {
        "id": job_id,
        "node_id": f"CR_{job_id}",
        "run_id": run_id,
        "run_attempt": attempt,
        "run_url": f"{url}/runs/{run_id}",
        "url": f"{url}/jobs/{job_id}",
        "html_url": f"{url}/jobs/{job_id}",
        "check_run_url": f"{base}/repos/{home}/check-runs/{job_id}",
        "head_sha": commit,
        "head_branch": branch,
        "workflow_name": "CI",
        "name": name,
        "status": status,
        "conclusion": conclusion,
        "created_at": started_at,
        "started_at": started_at,
        "completed_at": completed_at,
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "runner 1",
        "runner_group_id": 1,
        "runner_group_name": "runners",
        "steps": [
            {
                "name": step,
                "number": number,
                "status": "completed" if word else "in_progress",
                "conclusion": word or None,
                "started_at": started_at,
                "completed_at": completed_at,
            }
            for number, (step, word) in enumerate(steps, 1)
        ],
    }


def annotation(message: str, *, path: str = ".github", line: int = 1, level: str = "failure") -> dict[str, Any]:
    """What the platform says of a check run."""
    return {
        "path": path,
        "blob_href": "",
        "start_line": line,
        "end_line": line,
        "start_column": None,
        "end_column": None,
        "annotation_level": level,
        "title": "",
        "message": message,
        "raw_details": "",
    }
