using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class SeqCountTests
{
    [Fact]
    public void Read_is_good_only_when_no_write_touched_it()
    {
        var count = default(SeqCount);
        Assert.True(count.TryBeginRead(out ulong version));
        Assert.True(count.IsUnchanged(version));
        count.BeginWrite();
        Assert.False(count.IsUnchanged(version));
        Assert.False(count.TryBeginRead(out ulong odd));
        Assert.Equal(1UL, odd & 1);
        count.EndWrite();
        Assert.False(count.IsUnchanged(version));
        Assert.False(count.IsUnchanged(odd));
        Assert.Equal(count.Version, count.BeginRead());
        Assert.True(count.IsUnchanged(count.Version));
    }

    [Fact]
    public void Begin_read_waits_for_the_writer_inside()
    {
        var box = new Box();
        box.Count.BeginWrite();
        using var started = new ManualResetEventSlim();
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                started.Set();
                ulong version = box.Count.BeginRead();
                Assert.Equal(1, Volatile.Read(ref box.Written));
                Assert.True(box.Count.IsUnchanged(version));
            }
            else
            {
                Assert.True(started.Wait(StartGate.DefaultTimeout));
                Volatile.Write(ref box.Written, 1);
                box.Count.EndWrite();
            }
        });
    }

    private sealed class Box
    {
        public SeqCount Count;
        public int Written;
    }
}
