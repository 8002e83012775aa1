using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>One rent in checked mode. Thread-safe.</summary>
internal sealed class CheckedSlabOwner : IMemoryOwner<byte>
{
    private readonly CheckedSlabs _checks;
    private readonly SlabBlock _block;
    private int _ended;

    /// <summary>Begins a rent.</summary>
    public CheckedSlabOwner(CheckedSlabs checks, SlabBlock block, StackTrace? stack)
    {
        _checks = checks;
        _block = block;
        RentStack = stack;
    }

    /// <summary>Ends a rent that nobody ended.</summary>
    ~CheckedSlabOwner()
    {
        if (Atomic.Exchange(ref _ended, 1) == 0)
        {
            _checks.Forget(this, _block);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The buffer was returned.</exception>
    public Memory<byte> Memory => Atomic.LoadAcquire(ref _ended) == 0
        ? _block.Memory
        : throw new ObjectDisposedException(
            nameof(IMemoryOwner<>),
            $"A buffer of the pool '{_checks.StoreName}' is used after its return." + AllocationStack.Paragraph("It was returned here:", ReturnStack));

    /// <summary>Its size.</summary>
    public int Length => _block.Memory.Length;

    /// <summary>Where it lies.</summary>
    public unsafe nuint Address
    {
        get
        {
            fixed (byte* first = _block.Memory.Span)
            {
                return (nuint)first;
            }
        }
    }

    /// <summary>Who rented it; null when that was not recorded.</summary>
    public StackTrace? RentStack { get; }

    /// <summary>Who returned it.</summary>
    public StackTrace? ReturnStack { get; private set; }

    /// <summary>For rents that are known by their address: nobody holds this object, so its end says nothing of theirs.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The block keeps this object from now on; there is nothing for a finalizer to find.")]
    public void KnowByAddress()
    {
        GC.SuppressFinalize(this);
        _block.LastRent = this;
    }

    /// <summary>Returns the buffer.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">It was returned already, or one that was returned long ago was written to since.</exception>
    public void Dispose()
    {
        if (Atomic.Exchange(ref _ended, 1) != 0)
        {
            _checks.ThrowDoubleReturn(this);
            return;
        }

        GC.SuppressFinalize(this);
        ReturnStack = RentStack is null ? null : AllocationStack.TryCapture();
        _block.LastRent = this;
        _checks.Return(_block);
    }
}
