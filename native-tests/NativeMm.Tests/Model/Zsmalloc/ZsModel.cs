using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Model.Zsmalloc;

/// <summary>A pool beside a dictionary of what it must hold. Each step is one operation on both.</summary>
internal sealed class ZsModel(ZsFixture fixture)
{
    private const int StaleMax = 64;
    private readonly byte[] _scratch = new byte[ZsPool.ObjectBytesMax];
    private readonly List<(ZsHandle Handle, byte[] Bytes)> _live = [];
    private readonly List<ZsHandle> _stale = [];
    private readonly List<string> _history = [];

    public string History => string.Join("; ", _history);

    /// <summary>One operation, chosen by the code.</summary>
    public void Step(uint code)
    {
        uint choice = code % 100;
        int argument = (int)(code / 100);
        switch (choice)
        {
            case < 38:
                Alloc(argument);
                break;
            case < 66:
                Free(argument);
                break;
            case < 80:
                Write(argument);
                break;
            case < 90:
                Read(argument);
                break;
            case < 94:
                UseStale(argument);
                break;
            case < 97:
                Migrate(argument);
                break;
            default:
                Log("compact");
                fixture.Pool.Compact();
                break;
        }
    }

    /// <summary>Compares everything, then frees it.</summary>
    public void Finish()
    {
        fixture.Pool.Validate();
        ZsPoolStatistics statistics = fixture.Pool.GetStatistics();
        Assert.Equal(_live.Count, statistics.Objects);
        Assert.Equal(_live.Sum(item => item.Bytes.Length), statistics.UsedBytes);
        for (int i = 0; i < _live.Count; i++)
        {
            Read(i);
        }

        while (_live.Count > 0)
        {
            Free(0);
        }

        fixture.Pool.Compact();
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    private void Alloc(int argument)
    {
        // Half of them from few sizes, so that zspages fill up and empty.
        int bytes = (argument & 1) == 0 ? 1 + (argument / 2 % ZsPool.ObjectBytesMax) : 700 * (1 + (argument / 2 % 5));
        Log(string.Create(CultureInfo.InvariantCulture, $"alloc {bytes}"));
        if (fixture.Pool.TryAlloc(bytes, out ZsHandle handle))
        {
            Assert.DoesNotContain(_live, item => item.Handle == handle);
            byte[] content = ZsFixture.Content(bytes, argument);
            fixture.Pool.Write(handle, content);
            _live.Add((handle, content));
        }
    }

    private void Free(int argument)
    {
        if (_live.Count == 0)
        {
            return;
        }

        int at = argument % _live.Count;
        Log(string.Create(CultureInfo.InvariantCulture, $"free {at}"));
        fixture.Pool.Free(_live[at].Handle);
        _stale.Add(_live[at].Handle);
        _live.RemoveAt(at);
        if (_stale.Count > StaleMax)
        {
            _stale.RemoveAt(0);
        }
    }

    private void Write(int argument)
    {
        if (_live.Count == 0)
        {
            return;
        }

        (ZsHandle handle, byte[] bytes) = _live[argument % _live.Count];
        int offset = argument / 7 % bytes.Length;
        byte[] piece = ZsFixture.Content(1 + (argument / 13 % (bytes.Length - offset)), argument);
        Log(string.Create(CultureInfo.InvariantCulture, $"write {argument % _live.Count} at {offset} + {piece.Length}"));
        fixture.Pool.Write(handle, piece, offset);
        piece.CopyTo(bytes, offset);
    }

    private void Read(int argument)
    {
        if (_live.Count == 0)
        {
            return;
        }

        (ZsHandle handle, byte[] bytes) = _live[argument % _live.Count];
        Log(string.Create(CultureInfo.InvariantCulture, $"read {argument % _live.Count}"));
        Assert.Equal(bytes.Length, fixture.Pool.SizeOf(handle));
        using ZsReadLease lease = fixture.Pool.OpenRead(handle, _scratch);
        Assert.True(lease.Data.SequenceEqual(bytes), $"The object of {bytes.Length} bytes has changed.");
    }

    private void UseStale(int argument)
    {
        if (_stale.Count == 0)
        {
            return;
        }

        ZsHandle handle = _stale[argument % _stale.Count];
        Log("use a stale handle");
        Assert.Equal(MemoryFaultKind.StaleHandle, Assert.Throws<MemoryFaultException>(() => fixture.Pool.Free(handle)).Kind);
        Assert.Equal(MemoryFaultKind.StaleHandle, Assert.Throws<MemoryFaultException>(() => fixture.Pool.SizeOf(handle)).Kind);
    }

    private void Migrate(int argument)
    {
        if (!fixture.Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn target, out _))
        {
            return;
        }

        var frame = new Pfn((uint)argument % fixture.Frames.Zone.FrameCount);
        bool moved = frame != target && ((IFrameMigrator)fixture.Pool).TryMigrate(frame, target);
        Log(string.Create(CultureInfo.InvariantCulture, $"migrate {frame} to {target}: {moved}"));
        fixture.Frames.Free(moved ? frame : target, Order.Zero);
    }

    private void Log(string what) => _history.Add(what);
}
