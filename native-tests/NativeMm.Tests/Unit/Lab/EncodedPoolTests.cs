using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The three encodings of a handle's class are measured in a pool that keeps contents, also while objects move.</summary>
public sealed class EncodedPoolTests : IDisposable
{
    private const int Workers = 2;
    private const int Compactors = 2;

    private readonly FrameZone _zone;
    private readonly LockFreeFrameAllocator _frames;

    public EncodedPoolTests()
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 64 << 20, out FrameZone? zone).Succeeded);
        _zone = zone!;
        _frames = new LockFreeFrameAllocator(_zone);
    }

    public void Dispose()
    {
        _frames.Dispose();
        _zone.Dispose();
    }

    [Fact]
    public void It_equals_a_list_of_arrays_with_the_class_in_the_cell() => Model<ClassInCell>(1);

    [Fact]
    public void It_equals_a_list_of_arrays_with_the_class_in_the_handle() => Model<ClassInHandle>(2);

    [Fact]
    public void It_equals_a_list_of_arrays_with_the_class_in_the_object() => Model<ClassInObject>(3);

    [Fact]
    public void Contents_stay_while_objects_move_with_the_class_in_the_cell() => Concurrent<ClassInCell>();

    [Fact]
    public void Contents_stay_while_objects_move_with_the_class_in_the_handle() => Concurrent<ClassInHandle>();

    [Fact]
    public void Contents_stay_while_objects_move_with_the_class_in_the_object() => Concurrent<ClassInObject>();

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    public void Sizes_outside_the_range_are_refused(int bytes)
    {
        using var pool = new EncodedPool<ClassInCell, NoLockStatistics>(_frames);
        Assert.Throws<ArgumentOutOfRangeException>(nameof(bytes), () => pool.Alloc(bytes));
    }

    [Fact]
    public void Compaction_frees_whole_blocks_and_keeps_what_is_left()
    {
        using var pool = new EncodedPool<ClassInObject, NoLockStatistics>(_frames);
        ulong[] handles = [.. Enumerable.Range(0, 4000).Select(_ => pool.Alloc(500))];
        foreach (ulong handle in handles.Where((_, i) => i % 4 != 0))
        {
            pool.Free(handle);
        }

        long before = pool.Frames;
        long freed = pool.Compact();
        Assert.Equal(before - freed, pool.Frames);
        Assert.InRange(freed, before * 7 / 10, before);
        Assert.Equal(0, pool.Compact());
        pool.Validate();
        Assert.Equal(1000, pool.Objects);
    }

    [Fact]
    public void Without_frames_an_allocation_fails_and_nothing_is_lost()
    {
        using (var pool = new EncodedPool<ClassInCell, NoLockStatistics>(_frames))
        {
            var handles = new List<ulong>();
            void Fill()
            {
                while (true)
                {
                    handles.Add(pool.Alloc(4096));
                }
            }

            Assert.Throws<InsufficientMemoryException>(Fill);
            pool.Validate();
            Assert.Equal(handles.Count, pool.Objects);
            pool.Free(handles[^1]);
            handles[^1] = pool.Alloc(4096);
            handles.ForEach(pool.Free);
            Assert.Equal(0, pool.Frames);
        }

        _frames.Drain();
        Assert.Equal(_zone.FrameCount, _frames.GetStatistics().FreeFrames);
    }

    private static byte[] Content(Random random, int bytes)
    {
        byte[] content = new byte[bytes];
        random.NextBytes(content);
        return content;
    }

    private void Model<TEncoding>(int seed)
        where TEncoding : struct, IHandleEncoding
    {
        var random = new Random(seed);
        using (var pool = new EncodedPool<TEncoding, NoLockStatistics>(_frames))
        {
            var model = new List<(ulong Handle, byte[] Content)>();
            var stale = new List<ulong>();
            for (int step = 0; step < 20_000; step++)
            {
                bool grow = random.Next(100) < ((step / 2000) % 2 == 0 ? 60 : 35);
                if (grow || model.Count == 0)
                {
                    byte[] content = Content(random, random.Next(2) == 0 ? random.Next(1, 200) : random.Next(1, 4097));
                    ulong handle = pool.Alloc(content.Length);
                    pool.Write(handle, content);
                    model.Add((handle, content));
                }
                else
                {
                    int index = random.Next(model.Count);
                    Check(pool, model[index], $"seed {seed} step {step}");
                    pool.Free(model[index].Handle);
                    stale.Add(model[index].Handle);
                    model[index] = model[^1];
                    model.RemoveAt(model.Count - 1);
                }

                if (step % 500 == 0)
                {
                    pool.Compact();
                    pool.Validate();
                }
            }

            Assert.All(model, m => Check(pool, m, $"seed {seed} at the end"));
            Assert.All(stale.Except(model.Select(m => m.Handle)), handle => Assert.Throws<ArgumentException>(() => pool.Free(handle)));
            Assert.Equal(model.Count, pool.Objects);
            model.Skip(10).ToList().ForEach(m => pool.Free(m.Handle));
            Assert.InRange(pool.Frames, 1, 40);
        }

        _frames.Drain();
        Assert.Equal(_zone.FrameCount, _frames.GetStatistics().FreeFrames);
    }

    private void Concurrent<TEncoding>()
        where TEncoding : struct, IHandleEncoding
    {
        using var pool = new EncodedPool<TEncoding, NoLockStatistics>(_frames);
        long freed = 0;
        StartGate.RunBeside(
            Workers,
            worker =>
            {
                // Once more when no compactor has found a core by then.
                do
                {
                    Work(pool, worker);
                }
                while (Volatile.Read(ref freed) == 0);
            },
            Compactors,
            (_, goesOn) =>
            {
                while (goesOn())
                {
                    Interlocked.Add(ref freed, pool.Compact());
                }
            });
        pool.Validate();
        Assert.Equal(0, pool.Objects);
        Assert.True(pool.BytesMoved > 0, "Nothing was moved: the test shows nothing.");
    }

    private static void Work<TEncoding>(EncodedPool<TEncoding, NoLockStatistics> pool, int thread)
        where TEncoding : struct, IHandleEncoding
    {
        var random = new Random(thread);
        var model = new List<(ulong Handle, byte[] Content)>();
        for (int step = 0; step < 40_000; step++)
        {
            bool grow = random.Next(100) < ((step / 4000) % 2 == 0 ? 60 : 35);
            if (grow || model.Count == 0)
            {
                byte[] content = Content(random, random.Next(1, 600));
                ulong handle = pool.Alloc(content.Length);
                pool.Write(handle, content);
                model.Add((handle, content));
                continue;
            }

            int index = random.Next(model.Count);
            Check(pool, model[index], $"thread {thread} step {step}");
            pool.Free(model[index].Handle);
            model[index] = model[^1];
            model.RemoveAt(model.Count - 1);
        }

        model.ForEach(m => pool.Free(m.Handle));
    }

    private static void Check<TEncoding>(EncodedPool<TEncoding, NoLockStatistics> pool, (ulong Handle, byte[] Content) expected, string where)
        where TEncoding : struct, IHandleEncoding
    {
        byte[] seen = new byte[expected.Content.Length];
        pool.CopyTo(expected.Handle, seen);
        Assert.True(seen.AsSpan().SequenceEqual(expected.Content), $"{where}: the object holds something else.");
    }
}
