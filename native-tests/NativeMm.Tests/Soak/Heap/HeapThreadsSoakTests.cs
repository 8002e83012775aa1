using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Soak.Heap;

public sealed class HeapThreadsSoakTests
{
    [LinuxFact]
    public void Ten_thousand_short_threads_leave_resident_memory_where_it_was()
    {
        // What the .NET runtime itself keeps of dead threads is not the heap's: a control shows how much that is.
        const ulong Tolerance = 4 << 20;
        ulong[] figures = Run("heap");
        ulong[] control = Run("control");
        string all = $"{string.Join(' ', figures)}; control {string.Join(' ', control)}";
        Assert.True(figures[0] > 0 && figures[1] - figures[0] <= control[1] - Math.Min(control[0], control[1]) + Tolerance, all);
        Assert.True(figures[2] <= 16, $"{figures[2]} thread caches: {all}");
        Assert.Equal(0u, figures[3]);
        Assert.True(figures[4] <= 4 << 20, $"The heap holds {figures[4]} bytes: {all}");
    }

    private static ulong[] Run(string mode)
    {
        ChildResult child = ChildProcess.Run("heap-threads", ["10000", "200", mode]);
        Assert.True(child.ExitCode == 0, child.Error);
        return [.. child.Output.Split(' ').Select(ulong.Parse)];
    }
}
