using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Extensions.Tests.Support;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>What lies between two places that were written: it reads as zero, and takes no memory.</summary>
public sealed class NativeMemoryStreamGapTests
{
    private const int Length = 48 << 20;

    [Fact]
    public void Gap_that_nobody_writes_takes_no_memory()
    {
        using var pool = new NativeBufferPool();
        using var longer = new NativeMemoryStream([1, 2, 3], pool);
        longer.SetLength(Length);
        using var written = new NativeMemoryStream([1, 2, 3], pool) { Position = Length - 1 };
        written.WriteByte(4);
        Assert.All(
            (NativeMemoryStream[])[longer, written],
            stream => Assert.InRange(ResidentPages(stream), 0, Length / Environment.SystemPageSize / 4));
        Assert.Equal((Length, Length), (longer.Length, written.Length));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Gap_reads_as_zero_where_something_else_lay_before(bool refuses, bool isChecked)
    {
        using var pool = new NativeBufferPool(
            new BufferPoolOptions { Checked = isChecked }, "gaps", TimeProvider.System, refuses ? new RefusingDiscards() : SystemPlatform.Current, isShared: false);
        byte[] full = new byte[5 << 20];
        full.AsSpan().Fill(0xFF);
        using var stream = new NativeMemoryStream(full, pool);
        stream.SetLength(5);
        stream.SetLength(full.Length);
        full.AsSpan(5).Clear();
        Assert.True(full.AsSpan().SequenceEqual(stream.ToArray()));

        stream.Position = 0;
        stream.Write(full);
        stream.SetLength(7000);
        stream.Position = full.Length - 3;
        stream.WriteByte(9);
        full[^3] = 9;
        Assert.True(full.AsSpan(0, full.Length - 2).SequenceEqual(stream.ToArray()));
    }

    private static int ResidentPages(NativeMemoryStream stream)
    {
        int pages = 0;
        foreach (ReadOnlyMemory<byte> block in stream.GetReadOnlySequence())
        {
            // A short first block may be the stream's own, which begins anywhere.
            pages += block.Length <= Environment.SystemPageSize ? 1 : Memories.ResidentPages(MemoryMarshal.AsMemory(block));
        }

        return pages;
    }
}
