using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Paging;

/// <summary>Images of a memory, against a naive copy.</summary>
public sealed class PagedSnapshotTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 600;
    private const long Length = (Pages * PageBytes) - 100;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });
    private readonly PagedMemory _memory;

    public PagedSnapshotTests()
    {
        _memory = new PagedMemory(Length, new PagedMemoryOptions { ResidentBytes = 1 << 20 }, _runtime);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _runtime.Dispose();
    }

    [Fact]
    public void Image_is_that_of_its_moment_whatever_is_written_later()
    {
        Fill(seed: 1);
        byte[] expected = ReadAll();
        using PagedSnapshot snapshot = _memory.Snapshot();
        Fill(seed: 2);
        Assert.True(Copy(snapshot).AsSpan().SequenceEqual(expected));
        Assert.True(Copy(snapshot).AsSpan().SequenceEqual(expected));
        Assert.False(ReadAll().AsSpan().SequenceEqual(expected));
        Assert.Equal(BitConverter.ToInt64(expected, 5000), snapshot.Read<long>(5000));
    }

    [Fact]
    public void Image_outlives_its_memory()
    {
        Fill(seed: 3);
        byte[] expected = ReadAll();
        using PagedSnapshot snapshot = _memory.Snapshot();
        _memory.Dispose();
        Assert.True(Copy(snapshot).AsSpan().SequenceEqual(expected));
    }

    [Fact]
    public void Images_of_several_moments_do_not_disturb_each_other()
    {
        var images = new List<(PagedSnapshot Image, byte[] Expected)>();
        for (int i = 0; i < 4; i++)
        {
            Fill(seed: 10 + i, step: i + 1);
            byte[] expected = ReadAll();
            images.Add((_memory.Snapshot(), expected));
        }

        images[1].Image.Dispose();
        images.RemoveAt(1);
        foreach ((PagedSnapshot image, byte[] expected) in images)
        {
            Assert.True(Copy(image).AsSpan().SequenceEqual(expected));
            image.Dispose();
        }

        _memory.Validate();
    }

    [Fact]
    public void Sixteen_images_may_each_have_all_pages()
    {
        var images = new Stack<PagedSnapshot>();
        for (int i = 0; i < 16; i++)
        {
            Fill(seed: i);
            images.Push(_memory.Snapshot());
        }

        for (int i = 15; i >= 0; i--)
        {
            using PagedSnapshot image = images.Pop();
            byte[] page = new byte[PageBytes];
            image.Read(7 * PageBytes, page);
            Assert.True(page.AsSpan().SequenceEqual(SamplePages.Compressible(PageBytes, (i * 1000) + 7)), $"image {i}");
        }

        _memory.Validate();
    }

    [Fact]
    public void Copy_tells_how_far_it_is_and_can_be_cancelled()
    {
        Fill(seed: 5);
        using PagedSnapshot snapshot = _memory.Snapshot();
        var told = new List<long>();
        using var cancellation = new CancellationTokenSource();
        var progress = new Told(done =>
        {
            told.Add(done);
            if (told.Count == 2)
            {
                cancellation.Cancel();
            }
        });
        using var stream = new MemoryStream();
        Assert.Throws<OperationCanceledException>(() => snapshot.CopyTo(stream, progress, cancellation.Token));
        Assert.Equal([1 << 20, 2 << 20], told);
        snapshot.CopyTo(Stream.Null, progress);
        Assert.Equal(Length, told[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copy_goes_on_when_whoever_is_told_disposes_image_and_memory(bool isWriter)
    {
        Fill(seed: 6);
        byte[] expected = ReadAll();
        PagedSnapshot snapshot = _memory.Snapshot();
        _memory.Dispose();
        using var stream = new MemoryStream();
        if (isWriter)
        {
            using var ending = new EndingStream(stream, snapshot.Dispose);
            snapshot.CopyTo(ending);
        }
        else
        {
            snapshot.CopyTo(stream, new Told(_ => snapshot.Dispose()));
        }

        Assert.True(stream.ToArray().AsSpan().SequenceEqual(expected));
        Assert.Throws<ObjectDisposedException>(() => snapshot.CopyTo(Stream.Null));
        Assert.Equal(0UL, _runtime.GetStatistics().PoolBytes);
    }

    [Fact]
    public void Use_after_dispose_and_outside_is_refused()
    {
        PagedSnapshot snapshot = _memory.Snapshot();
        Assert.Throws<ArgumentOutOfRangeException>(() => snapshot.Read<long>(Length - 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => snapshot.Read(-1, new byte[1]));
        snapshot.Dispose();
        snapshot.Dispose();
        Assert.Throws<ObjectDisposedException>(() => snapshot.CopyTo(Stream.Null));
        Assert.Throws<ObjectDisposedException>(() => snapshot.Read<int>(0));
    }

    private void Fill(int seed, int step = 1)
    {
        for (int page = 0; page < Pages - 1; page += step)
        {
            _memory.Write((long)page * PageBytes, SamplePages.Compressible(PageBytes, (seed * 1000) + page));
        }
    }

    private byte[] ReadAll()
    {
        byte[] bytes = new byte[Length];
        _memory.Read(0, bytes);
        return bytes;
    }

    private static byte[] Copy(PagedSnapshot snapshot)
    {
        using var stream = new MemoryStream();
        snapshot.CopyTo(stream);
        return stream.ToArray();
    }

    /// <summary>Calls somebody before each write.</summary>
    private sealed class EndingStream(MemoryStream inner, Action writing) : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            writing();
            inner.Write(buffer, offset, count);
        }
    }

    private sealed class Told(Action<long> action) : IProgress<long>
    {
        public void Report(long value) => action(value);
    }
}
