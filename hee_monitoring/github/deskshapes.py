"""What GitHub's answers look like where people and programs write: pull requests, comments, check runs, artifacts. Pure.

For the simulator: every field that the published description requires. Runs and jobs are `shapes`'.
"""

from __future__ import annotations

from typing import Any

from hee_monitoring.github import shapes

_PULL_LINKS = ("comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self")
_COUNTS = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
_HAS = ("has_downloads", "has_issues", "has_projects", "has_wiki", "has_pages", "archived", "disabled")
_NUMBERS = (
    "forks",
    "forks_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "watchers",
    "watchers_count",
)


def home(full_name: str, base: str, now: str) -> dict[str, Any]:
    """A repository as it stands within a pull request: all of it."""
    url = f"{base}/repos/{full_name}"
    return {
        **shapes.repository(full_name, base),
        **dict.fromkeys(_HAS, False),
        **dict.fromkeys(_NUMBERS, 0),
        **{f"{kind}_url": url for kind in ("clone", "git", "ssh", "svn")},
        **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
        **dict.fromkeys(("pushed_at", "created_at", "updated_at"), now),
        "default_branch": "main",
    }


def user(login: str, base: str, now: str) -> dict[str, Any]:
    """The account that a token belongs to."""
    return {
        **shapes.owner(login, base),
        "type": "User",
        **dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location", "name")),
        "blog": "",
        **dict.fromkeys(("followers", "following", "public_gists", "public_repos"), 0),
        "created_at": now,
        "updated_at": now,
    }


def pull(pull: dict[str, Any], *, where: str, base: str, whole: bool) -> dict[str, Any]:
    """A pull request; a listing shows less than all of it."""
    owner, now, head = where.partition("/")[0], pull["updated_at"], pull["source"]
    url = f"{base}/repos/{where}/pulls/{pull['number']}"
    more: dict[str, Any] = {
        "merged": pull["merged_at"] is not None, "mergeable": None, "mergeable_state": "unknown", "merged_by": None,
        "maintainer_can_modify": False, **dict.fromkeys(_COUNTS, 0),
    }  # fmt: skip
    links = {
        f"{name}_url": url
        for name in ("html", "diff", "patch", "issue", "commits", "review_comments", "comments", "statuses")
    }
    return {
        **links,
        "review_comment_url": url,
        **{key: pull[key] for key in ("number", "title", "body", "state", "draft", "created_at", "updated_at")},
        **{key: pull[key] for key in ("closed_at", "merged_at")},
        "url": url,
        "id": pull["number"],
        "node_id": f"PR_{pull['number']}",
        "locked": False,
        "user": shapes.owner(pull["author"], base),
        "labels": [],
        "assignees": [],
        **dict.fromkeys(("milestone", "merge_commit_sha", "assignee", "auto_merge")),
        "head": _end(pull["head"], pull["commit"], head, base, now),
        "base": _end(pull["base"], "b" * 40, where, base, now),
        "_links": {name: {"href": url} for name in _PULL_LINKS},
        "author_association": "OWNER" if pull["author"] == owner else "NONE",
        **(more if whole else {}),
    }


def _end(branch: str, commit: str, full_name: str, base: str, now: str) -> dict[str, Any]:
    owner = full_name.partition("/")[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": commit,
        "user": shapes.owner(owner, base),
        "repo": home(full_name, base, now),
    }


def comment(comment: dict[str, Any], *, where: str, base: str) -> dict[str, Any]:
    """A comment."""
    url = f"{base}/repos/{where}/issues/comments/{comment['id']}"
    return {
        **{key: comment[key] for key in ("id", "body", "created_at", "updated_at")},
        "node_id": f"IC_{comment['id']}",
        "url": url,
        "html_url": url,
        "issue_url": f"{base}/repos/{where}/issues/{comment['number']}",
        "user": shapes.owner(comment["author"], base),
        "author_association": "NONE",
        "performed_via_github_app": app(comment["app"], base, comment["created_at"]) if comment["app"] else None,
    }


def app(number: int, base: str, now: str) -> dict[str, Any]:
    """An app."""
    return {
        "id": number,
        "node_id": f"A_{number}",
        "owner": shapes.owner("harbor-works", base),
        "name": "an app",
        "description": None,
        "external_url": base,
        "html_url": base,
        "created_at": now,
        "updated_at": now,
        "permissions": {},
        "events": [],
    }


def check(check: dict[str, Any], *, where: str, base: str) -> dict[str, Any]:
    """A check run."""
    url = f"{base}/repos/{where}/check-runs/{check['id']}"
    output = check.get("output", {})
    return {
        **{key: check.get(key) for key in ("id", "head_sha", "name", "external_id", "status", "conclusion")},
        "node_id": f"CR_{check['id']}",
        "url": url,
        "html_url": url,
        "details_url": url,
        "started_at": check["time"],
        "completed_at": check["time"] if check.get("conclusion") else None,
        "output": {
            **{key: output.get(key) for key in ("title", "summary", "text")},
            "annotations_count": len(output.get("annotations", ())),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": 1},
        "app": app(1, base, check["time"]),
        "pull_requests": [],
    }


def artifact(number: int, name: str, size: int, *, expired: bool, where: str, base: str, now: str) -> dict[str, Any]:
    """An artifact of a run."""
    url = f"{base}/repos/{where}/actions/artifacts/{number}"
    return {
        "id": number,
        "node_id": f"AR_{number}",
        "name": name,
        "size_in_bytes": size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": expired,
        "created_at": now,
        "expires_at": now,
        "updated_at": now,
    }


def comparison(
    merge_base: str, head: str, ahead: int, behind: int, *, where: str, base: str, now: str
) -> dict[str, Any]:
    """Two commits held against each other; the commits between them are left out."""
    url = f"{base}/repos/{where}/compare/{merge_base}...{head}"
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    return {
        **{f"{name}url": url for name in ("", "html_", "permalink_", "diff_", "patch_")},
        "base_commit": _commit(merge_base, where, base, now),
        "merge_base_commit": _commit(merge_base, where, base, now),
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [],
        "files": [],
    }


def _commit(commit: str, where: str, base: str, now: str) -> dict[str, Any]:
    url = f"{base}/repos/{where}/commits/{commit}"
    person = {"name": "Ada", "email": "ada@example.org", "date": now}
    tree = {"sha": commit, "url": url}
    said = {"url": url, "author": person, "committer": person, "message": "a change", "comment_count": 0, "tree": tree}
    return {
        "url": url,
        "sha": commit,
        "node_id": f"C_{commit}",
        "html_url": url,
        "comments_url": url,
        "commit": said,
        "author": None,
        "committer": None,
        "parents": [],
    }


def ref(branch: str, commit: str, home: str, base: str) -> dict[str, Any]:
    """A branch as a ref."""
    url = f"{base}/repos/{home}/git"
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": f"REF_{branch}",
        "url": f"{url}/refs/heads/{branch}",
        "object": {"type": "commit", "sha": commit, "url": f"{url}/commits/{commit}"},
    }
