using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;
using Allocator = NativeMm.Zsmalloc.ZsAllocator<
    NativeMm.Zsmalloc.PerClassLocking, NativeMm.Primitives.NoLockStatistics, NativeMm.Tests.Concurrency.Zsmalloc.ZsIntruder>;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

/// <summary>
/// Windows of the pool, one by one: a thread is held between two of its steps, and everything that others can do there is done on the same
/// thread, so that each case is exactly repeatable. What would wait for the one that is held is done on another thread.
/// </summary>
public sealed class ZsInterleavingTests : IDisposable
{
    private const int Bytes = 300;
    private static readonly string[] s_intruders = ["compact", "migrate", "free", "free and use again", "fill"];

    private readonly FrameFixture _frames = new(FrameVariant.LockFree, 8);
    private readonly Allocator _allocator;
    private readonly List<ZsHandle> _live = [];

    // The object that the held thread is about: alone in its zspage, beside others that have room for it.
    private readonly ZsHandle _object;

    public ZsInterleavingTests()
    {
        _allocator = new Allocator(_frames.Allocator, new ZsPoolOptions { AutoCompact = false, Stripes = 2 });
        for (int i = 0; i < 400; i++)
        {
            _live.Add(Store(i));
        }

        _object = _live[^1];
        for (int i = 398; i > 300; i--)
        {
            Free(i);
        }

        for (int i = 0; i < 200; i += 3)
        {
            Free(i);
        }
    }

    public static TheoryData<string, string> ReadWindows => Cross([Allocator.PauseBeforePin, Allocator.PausePinned], s_intruders);

    public static TheoryData<string> FreeWindows => [.. s_intruders];

    [Theory]
    [MemberData(nameof(ReadWindows))]
    public void A_reader_sees_the_right_bytes_or_is_refused(string window, string intruder)
    {
        ZsIntruder.Enter(window, () => Intrude(intruder));
        byte[] scratch = new byte[Bytes];
        MemoryFaultException? fault = null;
        try
        {
            using ZsReadLease lease = _allocator.OpenRead(_object, scratch);
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(Bytes, 399)));
        }
        catch (MemoryFaultException e)
        {
            fault = e;
        }

        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        Assert.Equal(intruder.StartsWith("free", StringComparison.Ordinal) ? MemoryFaultKind.StaleHandle : null, fault?.Kind);
        _allocator.Validate();
    }

    [Theory]
    [MemberData(nameof(FreeWindows))]
    public void A_free_frees_its_object_once_wherever_it_has_gone(string intruder)
    {
        ZsIntruder.Enter(Allocator.PauseResolved, () => Intrude(intruder));
        long before = _allocator.GetStatistics().Objects;
        Exception? fault = Record.Exception(() => _allocator.Free(_object));
        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        bool freed = intruder.StartsWith("free", StringComparison.Ordinal);
        Assert.Equal(freed ? MemoryFaultKind.StaleHandle : null, (fault as MemoryFaultException)?.Kind);
        Assert.Equal(before - 1 + (intruder is "fill" ? 100 : intruder is "free and use again" ? 1 : 0), _allocator.GetStatistics().Objects);
        _allocator.Validate();
    }

    [Theory]
    [InlineData("read")]
    [InlineData("write")]
    [InlineData("free")]
    [InlineData("size")]
    public void Whoever_comes_while_an_object_is_copied_finds_it_at_its_new_place(string what)
    {
        Exception? problem = null;
        var other = new Thread(() => problem = Record.Exception(() => Use(what)));
        ZsIntruder.Enter(Allocator.PauseCopied, other.Start);
        Assert.True(_allocator.Compact() > 0);
        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        Assert.True(other.Join(TimeSpan.FromSeconds(30)), "It still waits.");
        Assert.Null(problem);
        _allocator.Validate();
        if (what != "free")
        {
            AssertHolds(_object, what == "write" ? 7 : 399);
        }
    }

    [Theory]
    [InlineData("migrate")]
    [InlineData("free")]
    [InlineData("fill")]
    [InlineData("pin")]
    public void Between_two_objects_a_compactor_lets_anything_happen(string intruder)
    {
        Pin? pin = null;
        ZsIntruder.Enter(Allocator.PauseBetweenObjects, () =>
        {
            if (intruder == "pin")
            {
                pin = new Pin(_allocator, _live[200]);
            }
            else
            {
                Intrude(intruder);
            }
        });
        _allocator.Compact();
        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        pin?.Dispose();
        _allocator.Validate();

        // The second pass sees that nobody allocates any more.
        _allocator.Compact();
        _allocator.Compact();
        _allocator.Validate();
        Assert.Equal(0, _allocator.GetClassStatistics().Sum(row => row.FreeableFrames));
        if (intruder != "free")
        {
            AssertHolds(_object, 399);
        }
    }

    public void Dispose()
    {
        foreach (ZsHandle handle in _live.Where(handle => handle != default))
        {
            Record.Exception(() => _allocator.Free(handle));
        }

        _allocator.Validate();
        _allocator.Release();
        Assert.Equal(0u, _frames.Allocator.GetStatistics().AllocatedFrames);
        _frames.Dispose();
    }

    private static TheoryData<string, string> Cross(string[] windows, string[] intruders)
    {
        TheoryData<string, string> data = [];
        foreach (string window in windows)
        {
            foreach (string intruder in intruders)
            {
                data.Add(window, intruder);
            }
        }

        return data;
    }

    private void Intrude(string intruder)
    {
        switch (intruder)
        {
            case "compact":
                _allocator.Compact();
                break;
            case "migrate":
                MigrateAll();
                break;
            case "free":
                _allocator.Free(_object);
                break;
            case "free and use again":
                _allocator.Free(_object);
                _live.Add(Store(1));
                break;
            default:
                for (int i = 0; i < 100; i++)
                {
                    _live.Add(Store(i));
                }

                break;
        }
    }

    private void Use(string what)
    {
        switch (what)
        {
            case "read":
                AssertHolds(_object, 399);
                break;
            case "write":
                _allocator.Write(_object, ZsFixture.Content(Bytes, 7), 0);
                break;
            case "free":
                _allocator.Free(_object);
                break;
            default:
                Assert.Equal(Bytes, _allocator.SizeOf(_object));
                break;
        }
    }

    private void MigrateAll()
    {
        for (uint frame = 0; frame < 512; frame++)
        {
            Pfn target = _frames.Allocate(0);
            bool moved = _allocator.TryMigrate(new Pfn(frame), target);
            _frames.Allocator.Free(moved ? new Pfn(frame) : target, Order.Zero);
        }
    }

    private void AssertHolds(ZsHandle handle, int seed)
    {
        using ZsReadLease lease = _allocator.OpenRead(handle, new byte[Bytes]);
        Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(Bytes, seed)), "The object has changed.");
    }

    private ZsHandle Store(int seed)
    {
        Assert.True(_allocator.TryAlloc(Bytes, out ZsHandle handle));
        _allocator.Write(handle, ZsFixture.Content(Bytes, seed), 0);
        return handle;
    }

    private void Free(int at)
    {
        _allocator.Free(_live[at]);
        _live[at] = default;
    }

    /// <summary>A reader that stays: a thread holds a lease until it is told to go.</summary>
    private sealed class Pin : IDisposable
    {
        private readonly ManualResetEventSlim _pinned = new();
        private readonly ManualResetEventSlim _release = new();
        private readonly Thread _thread;

        public Pin(Allocator allocator, ZsHandle handle)
        {
            _thread = new Thread(() =>
            {
                using ZsReadLease lease = allocator.OpenRead(handle, new byte[Bytes]);
                _pinned.Set();
                _release.Wait(TimeSpan.FromSeconds(30));
            });
            _thread.Start();
            Assert.True(_pinned.Wait(TimeSpan.FromSeconds(30)));
        }

        public void Dispose()
        {
            _release.Set();
            Assert.True(_thread.Join(TimeSpan.FromSeconds(30)));
            _pinned.Dispose();
            _release.Dispose();
        }
    }
}
