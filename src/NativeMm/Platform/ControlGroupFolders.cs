namespace NativeMm.Platform;

/// <summary>
/// Where the files of a controller are for this process: <c>/proc/self/cgroup</c> says which group, <c>/proc/self/mountinfo</c> where the tree of
/// groups can be seen, and from which group on (a container sees only its own part).
/// </summary>
internal static class ControlGroupFolders
{
    /// <summary>The folders of the process's group and of the groups above it as far as they can be seen, innermost first.</summary>
    /// <param name="files">Where to look.</param>
    /// <param name="controller">A controller's name in version 1; groups of version 2 hold all controllers.</param>
    public static IEnumerable<string> Find(SystemFiles files, string controller)
    {
        string groups = files.ReadText("/proc/self/cgroup") ?? "";
        string mounts = files.ReadText("/proc/self/mountinfo") ?? "";
        foreach (string line in mounts.Split('\n'))
        {
            if (TryParseMount(line, controller, out string root, out string mountPoint, out bool unified)
                && FindGroup(groups, controller, unified) is { } group)
            {
                foreach (string folder in Upwards(mountPoint, Below(group, root)))
                {
                    yield return folder;
                }
            }
        }
    }

    /// <summary>The group of the process: <c>0::/path</c> in version 2, <c>4:cpu,cpuacct:/path</c> in version 1.</summary>
    internal static string? FindGroup(string text, string controller, bool unified)
    {
        foreach (string line in text.Split('\n'))
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length == 3 && (unified ? parts[1].Length == 0 : parts[1].Split(',').Contains(controller)))
            {
                return parts[2];
            }
        }

        return null;
    }

    /// <summary>A line is <c>id parent device root mountpoint options [fields] - type source superoptions</c>.</summary>
    internal static bool TryParseMount(string line, string controller, out string root, out string mountPoint, out bool unified)
    {
        (root, mountPoint, unified) = ("", "", false);
        int separator = line.IndexOf(" - ", StringComparison.Ordinal);
        if (separator < 0)
        {
            return false;
        }

        string[] head = line[..separator].Split(' ');
        string[] tail = line[(separator + 3)..].Split(' ');
        if (head.Length < 6 || tail.Length < 3)
        {
            return false;
        }

        (root, mountPoint, unified) = (head[3], head[4], tail[0] == "cgroup2");
        return unified || (tail[0] == "cgroup" && tail[2].Split(',').Contains(controller));
    }

    /// <summary>The group's path as seen from the mounted group; everything outside it looks like the mounted group itself.</summary>
    private static string Below(string group, string root) =>
        root == "/" ? group : group.StartsWith(root + "/", StringComparison.Ordinal) ? group[root.Length..] : "/";

    private static IEnumerable<string> Upwards(string mountPoint, string group)
    {
        for (string rest = group.TrimEnd('/'); rest.Length > 0; rest = rest[..rest.LastIndexOf('/')])
        {
            yield return mountPoint + rest;
        }

        yield return mountPoint;
    }
}
