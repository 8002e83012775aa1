using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Soak.Heap;

public sealed class HeapThreadsSoakTests
{
    [LinuxFact]
    public void Ten_thousand_short_threads_leave_resident_memory_where_it_was()
    {
        const ulong Tolerance = 6 << 20;
        ChildResult child = ChildProcess.Run("heap-threads", ["10000", "200"], timeout: TimeSpan.FromSeconds(120));
        Assert.True(child.ExitCode == 0, child.Error);
        ulong[] figures = [.. child.Output.Split(' ').Select(ulong.Parse)];
        Assert.True(figures[0] > 0 && figures[1] <= figures[0] + Tolerance, child.Output);
        Assert.True(figures[2] <= 8, $"{figures[2]} thread caches: {child.Output}");
        Assert.Equal(0u, figures[3]);
    }
}
