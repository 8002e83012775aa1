using System.Diagnostics;

namespace NativeMm.Heap.Checked;

/// <summary>Call stacks of allocations: taken cheaply, put into words only when somebody asks.</summary>
internal static class AllocationStack
{
    private static readonly string[] s_ownFrames = ["   at NativeMm.Heap.", "   at NativeMm.Buffers.", "   at NativeMm.Slabs.", "   at NativeMm.AddressSpaces.", "   at NativeMm.Runtime."];

    // How the thread pool and awaits come to a method: dozens of lines for each await, and other ones for the same place whenever it goes on elsewhere.
    private static readonly string[] s_continuationFrames =
    [
        "   at System.Runtime.CompilerServices.Async",
        "   at System.Runtime.CompilerServices.TaskAwaiter",
        "   at System.Threading.ExecutionContext.",
        "   at System.Threading.PortableThreadPool.",
        "   at System.Threading.QueueUserWorkItemCallback",
        "   at System.Threading.Tasks.",
        "   at System.Threading.Thread.Start",
        "   at System.Threading.ThreadPoolWorkQueue.",
    ];

    /// <summary>Records the current call stack, without file names, which are slow to find.</summary>
    public static StackTrace Capture() => new(skipFrames: 1, fNeedFileInfo: false);

    /// <summary>Records the current call stack for a free, which needs no managed memory: without any there is no record.</summary>
    public static StackTrace? TryCapture()
    {
        try
        {
            return new StackTrace(skipFrames: 1, fNeedFileInfo: false);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>
    /// The stack as indented lines, without the frames of the heap and of the buffers over it, and without those that only say how asynchronous code goes on.
    /// </summary>
    public static string Text(StackTrace stack)
    {
        string[] lines = stack.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> callers = lines.SkipWhile(line => IsOne(line, s_ownFrames)).Where(line => !IsOne(line, s_continuationFrames));
        return string.Join(Environment.NewLine, callers.Select(line => "   " + line.TrimEnd('\r')));
    }

    private static bool IsOne(string line, string[] beginnings) => beginnings.Any(beginning => line.StartsWith(beginning, StringComparison.Ordinal));

    /// <summary>A paragraph for a message: a heading and the stack, or nothing when it was not sampled.</summary>
    public static string Paragraph(string heading, StackTrace? stack) =>
        stack is null ? string.Empty : Environment.NewLine + heading + Environment.NewLine + Text(stack);
}
