using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <content>Pages on their way out.</content>
public sealed unsafe partial class CompressedPageStore
{
    /// <summary>Loads a page.</summary>
    /// <param name="key">Any number.</param>
    /// <param name="destination">Exactly <see cref="PageBytes"/>.</param>
    /// <exception cref="KeyNotFoundException">There is no page of this key.</exception>
    /// <inheritdoc cref="TryLoad"/>
    public void Load(ulong key, Span<byte> destination)
    {
        if (!TryLoad(key, destination))
        {
            throw new KeyNotFoundException($"There is no page {key}.");
        }
    }

    /// <summary>Loads a page if there is one.</summary>
    /// <param name="key">Any number.</param>
    /// <param name="destination">Exactly <see cref="PageBytes"/>; left alone when there is no page.</param>
    /// <returns>Whether there is a page of this key.</returns>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    /// <exception cref="PageCorruptedException">
    /// The page is not what was stored. The destination is cleared. The page stays until it is removed or replaced; all others are not concerned.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public bool TryLoad(ulong key, Span<byte> destination)
    {
        ThrowIfDisposed();
        ThrowIfNotPage(destination.Length, nameof(destination));
        ulong hash = PageHash.Of(key);
        ref PageStripe stripe = ref StripeOf(hash);
        byte[] scratch = _scratch.Take();
        PageState state = default;
        ulong first = 0;
        uint checksum = 0;
        stripe.Lock.Enter();
        try
        {
            PageEntry* entry = stripe.Table.Find(key, PageHash.SlotOf(hash), _entryBytes);
            if (entry != null)
            {
                state = entry->State;
                first = entry->First;
                checksum = entry->Checksum;
                ReadObjects(entry, state.Kind == PageKind.Huge ? destination : scratch);
            }
        }
        finally
        {
            stripe.Lock.Exit();
        }

        bool whole = Restore(state, first, scratch, destination);
        _scratch.Return(scratch);
        if (state.Kind is PageKind.Compressed or PageKind.Huge && (!whole || PageChecksum.Compute(destination, key) != checksum))
        {
            ThrowCorrupted(key, state, whole, destination);
        }

        GC.KeepAlive(this);
        return state.Kind != PageKind.None;
    }

    private bool Restore(PageState state, ulong first, ReadOnlySpan<byte> compressed, Span<byte> destination)
    {
        if (state.Kind == PageKind.Compressed)
        {
            return _codec.TryDecompress(compressed[..state.Bytes], destination);
        }

        if (state.Kind == PageKind.SameFilled)
        {
            SameFilledPage.Fill(destination, first);
        }

        return true;
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowCorrupted(ulong key, PageState state, bool whole, Span<byte> destination)
    {
        destination.Clear();
        Atomic.Add(ref _corruptedLoads, 1);
        string found = whole ? "the checksum of what was loaded differs from that of what was stored" : $"the codec '{_codec.Name}' cannot restore it";
        string kept = state.Kind == PageKind.Huge ? "kept as it is" : $"compressed to {state.Bytes} bytes";
        throw new PageCorruptedException(key, $"Page {key}, {kept}, is corrupted: {found}. Other pages are not concerned.");
    }
}
