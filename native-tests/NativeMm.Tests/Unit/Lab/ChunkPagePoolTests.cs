using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The two- and three-per-page baselines keep what they are given and are as dense as their description says.</summary>
public sealed class ChunkPagePoolTests : IDisposable
{
    private const int HalfOfChunks = 31 * 64;
    private const int ThirdOfChunks = 21 * 64;

    private readonly FrameZone _zone;
    private readonly LockFreeFrameAllocator _frames;

    public ChunkPagePoolTests()
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 16 << 20, out FrameZone? zone).Succeeded);
        _zone = zone!;
        _frames = new LockFreeFrameAllocator(_zone);
    }

    public void Dispose()
    {
        _frames.Dispose();
        _zone.Dispose();
    }

    [Theory]
    [InlineData(ChunkPagePool.Two, 64, 2)]
    [InlineData(ChunkPagePool.Three, 64, 3)]
    [InlineData(ChunkPagePool.Two, HalfOfChunks, 2)]
    [InlineData(ChunkPagePool.Three, HalfOfChunks, 2)]
    [InlineData(ChunkPagePool.Three, ThirdOfChunks, 3)]
    [InlineData(ChunkPagePool.Three, ThirdOfChunks + 1, 2)]
    [InlineData(ChunkPagePool.Two, (32 * 64) + 1, 1)]
    [InlineData(ChunkPagePool.Three, ChunkPagePool.BytesMax, 1)]
    public void As_many_objects_share_a_page_as_fit(int objectsPerPage, int bytes, int expected)
    {
        using var pool = new ChunkPagePool(_frames, objectsPerPage);
        for (int i = 0; i < 6; i++)
        {
            Assert.True(pool.TryAlloc(bytes, out _));
        }

        Assert.Equal(6 / expected, pool.Pages);
    }

    [Fact]
    public void The_page_with_the_smallest_gap_that_suffices_is_filled_first()
    {
        using var pool = new ChunkPagePool(_frames, ChunkPagePool.Two);
        pool.TryAlloc(40 * 64, out ChunkHandle wide);
        pool.TryAlloc(50 * 64, out ChunkHandle narrow);
        pool.TryAlloc(13 * 64, out ChunkHandle exact);
        pool.TryAlloc(14 * 64, out ChunkHandle larger);
        Assert.Equal(narrow.Page, exact.Page);
        Assert.Equal(wide.Page, larger.Page);
    }

    [Fact]
    public void The_middle_moves_when_the_front_goes_so_that_the_gap_is_one()
    {
        using var pool = new ChunkPagePool(_frames, ChunkPagePool.Three);
        pool.TryAlloc(20 * 64, out ChunkHandle front);
        pool.TryAlloc(20 * 64, out ChunkHandle back);
        pool.TryAlloc(10 * 64, out ChunkHandle middle);
        pool.Content(middle).Fill(7);
        pool.Free(front);
        Assert.Equal(10 * 64, pool.BytesMoved);
        Assert.True(pool.TryAlloc(33 * 64, out ChunkHandle filled));
        pool.Content(filled).Fill(1);
        Assert.Equal(back.Page, filled.Page);
        Assert.Equal(-1, pool.Content(middle).IndexOfAnyExcept((byte)7));
    }

    [Fact]
    public void A_freed_object_is_unknown_and_its_page_goes_back()
    {
        using var pool = new ChunkPagePool(_frames, ChunkPagePool.Three);
        pool.TryAlloc(100, out ChunkHandle one);
        pool.TryAlloc(100, out ChunkHandle other);
        pool.Free(one);
        Assert.Throws<ArgumentException>(() => pool.Free(one));
        pool.Free(other);
        Assert.Equal(0, pool.Pages);
        _frames.Drain();
        Assert.Equal(_zone.FrameCount, _frames.GetStatistics().FreeFrames);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ChunkPagePool.BytesMax + 1)]
    public void Sizes_outside_the_range_are_refused(int bytes)
    {
        using var pool = new ChunkPagePool(_frames, ChunkPagePool.Two);
        Assert.Throws<ArgumentOutOfRangeException>(nameof(bytes), () => pool.TryAlloc(bytes, out _));
    }

    [Fact]
    public void Without_frames_an_allocation_fails_and_nothing_is_lost()
    {
        using var pool = new ChunkPagePool(_frames, ChunkPagePool.Two);
        var handles = new List<ChunkHandle>();
        while (pool.TryAlloc(ChunkPagePool.BytesMax, out ChunkHandle handle))
        {
            handles.Add(handle);
        }

        Assert.Equal(pool.Pages, handles.Count);
        handles.ForEach(pool.Free);
        Assert.Equal(0, pool.Objects);
        Assert.True(pool.TryAlloc(1, out ChunkHandle last));
        pool.Free(last);
    }

    [Theory]
    [InlineData(ChunkPagePool.Two, 1)]
    [InlineData(ChunkPagePool.Two, 2)]
    [InlineData(ChunkPagePool.Three, 3)]
    [InlineData(ChunkPagePool.Three, 4)]
    [InlineData(ChunkPagePool.Three, 5)]
    public void It_equals_a_list_of_arrays(int objectsPerPage, int seed)
    {
        var random = new Random(seed);
        using var pool = new ChunkPagePool(_frames, objectsPerPage);
        var model = new List<(ChunkHandle Handle, byte[] Content)>();
        for (int step = 0; step < 20_000; step++)
        {
            // The live set swells and shrinks, so that pages see all their forms.
            bool grow = random.Next(100) < ((step / 2000) % 2 == 0 ? 60 : 40);
            if (grow || model.Count == 0)
            {
                byte[] content = new byte[random.Next(1, random.Next(2) == 0 ? 1500 : ChunkPagePool.BytesMax + 1)];
                random.NextBytes(content);
                Assert.True(pool.TryAlloc(content.Length, out ChunkHandle handle), $"seed {seed} step {step}");
                content.CopyTo(pool.Content(handle));
                model.Add((handle, content));
            }
            else
            {
                int index = random.Next(model.Count);
                Assert.True(pool.Content(model[index].Handle).SequenceEqual(model[index].Content), $"seed {seed} step {step}");
                pool.Free(model[index].Handle);
                model[index] = model[^1];
                model.RemoveAt(model.Count - 1);
            }
        }

        Assert.All(model, m => Assert.True(pool.Content(m.Handle).SequenceEqual(m.Content)));
        Assert.Equal(model.Count, pool.Objects);
        Assert.Equal(model.Select(m => m.Handle.Page).Distinct().Count(), pool.Pages);
        Assert.All(model.GroupBy(m => m.Handle.Page), page => Assert.InRange(page.Count(), 1, objectsPerPage));
        model.ForEach(m => pool.Free(m.Handle));
        Assert.Equal(0, pool.Pages);
    }
}
