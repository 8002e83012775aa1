namespace NativeMm.AddressSpaces;

/// <content>A second space like the first.</content>
public sealed partial class AddressSpace
{
    /// <summary>
    /// Makes a space with the same areas and the same content, as it is at one moment; from there on each has its own. Pages are shared until one of
    /// the two writes to them. Whoever writes meanwhile waits.
    /// </summary>
    /// <returns>The other space, with the same options.</returns>
    /// <exception cref="OutOfMemoryException">The bookkeeping or the page tables get no memory.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public AddressSpace Fork()
    {
        if (IsDisposed)
        {
            throw LayoutFault.Gone(Options);
        }

        int attempts = 0;
        while (true)
        {
            var child = new AddressSpace(_frames, Options, _layout.Tree.Epochs, _tables.Swap, _workers) { Adopt = Adopt, PinWatch = PinWatch };
            LayoutResult result;
            try
            {
                Adopt?.Invoke(child);
                result = _layout.ForkTo(child._layout);
            }
            catch
            {
                child.Dispose();
                throw;
            }

            if (result.IsDone)
            {
                return child;
            }

            child.Dispose();
            if (!ShouldRepeat(result, ref attempts))
            {
                LayoutFault.Throw(nameof(Fork), new VpnRange(0, AreaLayout.EndPage), result, Options);
            }
        }
    }

    /// <summary>
    /// Whether a change that found no frame is worth another attempt: nothing asks others for memory while the layout is locked, so that is done here.
    /// </summary>
    private bool ShouldRepeat(LayoutResult result, ref int attempts)
    {
        const int AttemptsMax = 4;
        return result.Outcome == LayoutOutcome.NoFrames && ++attempts < AttemptsMax && _faults.TryMakeMemory();
    }
}
