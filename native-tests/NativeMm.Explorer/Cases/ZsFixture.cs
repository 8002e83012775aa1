using NativeMm.Explorer.Running;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Explorer.Cases;

/// <summary>A pool of objects of 2000 bytes, two to a frame, and a cell for what lies in each of the first frames.</summary>
internal sealed unsafe class ZsFixture
{
    private const int ObjectBytes = 2000;
    private const int Cells = 16;
    private readonly Cell[] _content = [.. Enumerable.Range(0, Cells).Select(frame => new Cell($"frame {frame}"))];

    public ZsFixture()
    {
        Zone = new FrameFixture();
        Pool = new ZsPool(Zone.Frames, new ZsPoolOptions { Stripes = 1, AutoCompact = false, MaxCompactors = 1 });
    }

    public FrameFixture Zone { get; }

    public ZsPool Pool { get; }

    /// <summary>Makes an object that holds a mark.</summary>
    public ZsHandle Make(byte mark)
    {
        ZsHandle handle = Pool.Alloc(ObjectBytes);
        Pool.Write(handle, [mark, mark]);
        return handle;
    }

    /// <summary>Reads an object's mark, and looks that nobody else has its frame meanwhile.</summary>
    public void Read(ZsHandle handle, byte mark)
    {
        Span<byte> scratch = stackalloc byte[ObjectBytes];
        using ZsReadLease lease = Pool.OpenRead(handle, scratch);
        fixed (byte* data = lease.Data)
        {
            Plan.Check(ContentOf(FrameOf(data)).Value == 0, "a reader has a frame that was given away");
            Plan.Check(lease.Data[0] == mark && lease.Data[1] == mark, $"{lease.Data[0]} and {lease.Data[1]} were read, {mark} was written");
        }
    }

    /// <summary>The frame that an object lies in at this moment.</summary>
    public Pfn FrameOf(ZsHandle handle)
    {
        Span<byte> scratch = stackalloc byte[ObjectBytes];
        using ZsReadLease lease = Pool.OpenRead(handle, scratch);
        fixed (byte* data = lease.Data)
        {
            return FrameOf(data);
        }
    }

    /// <summary>Somebody else uses a frame that the pool gave away.</summary>
    public void Scribble(Pfn frame)
    {
        ContentOf(frame).Value = 1;
        new Span<byte>(Zone.Frames.Zone.AddressOf(frame), Pfn.FrameBytes).Fill(0xDD);
    }

    private Cell ContentOf(Pfn frame) => _content[frame.Value];

    private Pfn FrameOf(byte* data) => Zone.Frames.Zone.FrameOf(data);
}
