using NativeMm.Diagnostics;
using NativeMm.Lab.Experiments.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Compactors come by again and again until they are stopped, and a failure of theirs is the measurement's.</summary>
public sealed class CompactorsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Each_comes_by_until_all_are_stopped()
    {
        using var passes = new SemaphoreSlim(0);
        using var compactors = new Compactors<CallingPool>(new CallingPool(() => passes.Release()), 2);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(passes.Wait(s_patience));
        }

        compactors.Stop();
    }

    [Fact]
    public void A_failure_is_told_when_they_are_stopped()
    {
        using var failed = new ManualResetEventSlim();
        using var compactors = new Compactors<CallingPool>(new CallingPool(() => Fail(failed)), 1);
        Assert.True(failed.Wait(s_patience));
        Assert.Contains("out of order", Assert.Throws<InvalidOperationException>(compactors.Stop).Message, StringComparison.Ordinal);
    }

    private static void Fail(ManualResetEventSlim failed)
    {
        failed.Set();
        throw new NotSupportedException("out of order");
    }

    private readonly struct CallingPool(Action compact) : IPoolUnderTest
    {
        public long Frames => 0;

        public long BytesMoved => 0;

        public LockStatisticsSnapshot? Locks => null;

        public ulong Alloc(int bytes) => throw new NotSupportedException();

        public void Free(ulong handle) => throw new NotSupportedException();

        public void Write(ulong handle, ReadOnlySpan<byte> content) => throw new NotSupportedException();

        public int Read(ulong handle, Span<byte> scratch) => throw new NotSupportedException();

        public long Compact()
        {
            compact();
            return 0;
        }

        public void Validate()
        {
        }
    }
}
