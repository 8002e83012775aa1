using System.Globalization;
using NativeMm.Platform;

namespace NativeMm.Lab.Harness;

/// <summary>
/// A control group with a limit of memory that this process is moved into. What it had before stays charged where it was; what it takes from then on, pages of
/// files among it, counts here. Linux alone, and only where groups may be made.
/// </summary>
internal sealed class MemoryGroup : IDisposable
{
    private const string Members = "cgroup.procs";

    private readonly string _before;
    private readonly string _group;

    private MemoryGroup(string before, string group)
    {
        _before = before;
        _group = group;
    }

    /// <summary>Why none can be made, or null.</summary>
    public static string? Obstacle
    {
        get
        {
            try
            {
                using MemoryGroup probe = Make(long.MaxValue >> 1);
                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                return $"no control group of memory can be made ({exception.Message.ReplaceLineEndings(" ")})";
            }
        }
    }

    /// <summary>How often something was asked for that was beyond the limit, so that the system had to make room.</summary>
    public long TimesReached
    {
        get
        {
            string first = Path.Combine(_group, "memory.failcnt");
            string text = File.Exists(first)
                ? File.ReadAllText(first)
                : File.ReadLines(Path.Combine(_group, "memory.events")).First(line => line.StartsWith("max ", StringComparison.Ordinal))[4..];
            return long.Parse(text, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Makes a group and moves the process into it.</summary>
    /// <param name="bytes">Its limit.</param>
    /// <exception cref="PlatformNotSupportedException">There is no group that may have others below it.</exception>
    /// <exception cref="IOException">The system refuses.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not.</exception>
    public static MemoryGroup Enter(long bytes)
    {
        MemoryGroup group = Make(bytes);
        try
        {
            Move(group._group);
            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <summary>Moves the process back and takes the group away. A group that the system keeps for a while stays, empty.</summary>
    public void Dispose()
    {
        try
        {
            Move(_before);
            Directory.Delete(_group);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // An empty group costs nothing.
        }
    }

    private static MemoryGroup Make(long bytes)
    {
        string[] folders = [.. ControlGroupFolders.Find(SystemFiles.Real, "memory")];
        foreach (string folder in folders)
        {
            string? limit = LimitBelow(folder);
            if (limit is null)
            {
                continue;
            }

            string group = Path.Combine(folder, $"nativemm-{Environment.ProcessId}");
            Directory.CreateDirectory(group);
            var made = new MemoryGroup(folders.First(known => File.Exists(Path.Combine(known, Members)) && IsOfSameTree(known, folder)), group);
            try
            {
                File.WriteAllText(Path.Combine(group, limit), bytes.ToString(CultureInfo.InvariantCulture));
                return made;
            }
            catch
            {
                Directory.Delete(group);
                throw;
            }
        }

        throw new PlatformNotSupportedException("there is no group that may have others below it");
    }

    /// <summary>Name of the file that limits a group below this one, or null when none may be there.</summary>
    private static string? LimitBelow(string folder)
    {
        string children = Path.Combine(folder, "cgroup.subtree_control");
        return File.Exists(Path.Combine(folder, "memory.limit_in_bytes")) ? "memory.limit_in_bytes"
            : File.Exists(children) && File.ReadAllText(children).Split().Contains("memory") ? "memory.max"
            : null;
    }

    private static bool IsOfSameTree(string left, string right) =>
        left.StartsWith(right, StringComparison.Ordinal) || right.StartsWith(left, StringComparison.Ordinal);

    private static void Move(string group) =>
        File.WriteAllText(Path.Combine(group, Members), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
}
