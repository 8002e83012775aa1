using System.Runtime.CompilerServices;

namespace NativeMm.Frames;

/// <summary>The steps of a <see cref="ChildWord"/> as structs.</summary>
internal static class ChildTransitions
{
    /// <summary>Counts frames out.</summary>
    public readonly struct Take(uint frames) : IChildTransition
    {
        private readonly uint _frames = frames;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryTake(_frames, out next);
    }

    /// <summary>Counts frames in.</summary>
    public readonly struct Put(uint frames, uint rows) : IChildTransition
    {
        private readonly uint _frames = frames;
        private readonly uint _rows = rows;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryPut(_frames, _rows, out next);
    }

    /// <summary>Counts frames in beside isolated ones.</summary>
    public readonly struct PutBeside(uint frames, uint rows) : IChildTransition
    {
        private readonly uint _frames = frames;
        private readonly uint _rows = rows;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryPutBeside(_frames, _rows, out next);
    }

    /// <summary>Counts frames of a block out that is to be isolated.</summary>
    public readonly struct TakeIsolated(uint frames) : IChildTransition
    {
        private readonly uint _frames = frames;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryTakeIsolated(_frames, out next);
    }

    /// <summary>Counts frames of an isolated block in.</summary>
    public readonly struct PutIsolated(uint frames, uint rows) : IChildTransition
    {
        private readonly uint _frames = frames;
        private readonly uint _rows = rows;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryPutIsolated(_frames, _rows, out next);
    }

    /// <summary>Gives an isolated block up.</summary>
    public readonly struct ForgetIsolated(uint frames) : IChildTransition
    {
        private readonly uint _frames = frames;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryForgetIsolated(_frames, out next);
    }

    /// <summary>Takes all frames as one block.</summary>
    public readonly struct ClaimWhole(ChildState state) : IChildTransition
    {
        private readonly ChildState _state = state;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryClaimWhole(_state, out next);
    }

    /// <summary>Gives all frames of a block back.</summary>
    public readonly struct ReleaseWhole(ChildState state, FrameContent content) : IChildTransition
    {
        private readonly ChildState _state = state;
        private readonly FrameContent _content = content;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TryReleaseWhole(_state, _content, out next);
    }

    /// <summary>Replaces a claimed word by what it was before the claim.</summary>
    public readonly struct UndoClaim(ChildState state, ChildWord before) : IChildTransition
    {
        private readonly ChildState _state = state;
        private readonly ChildWord _before = before;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next)
        {
            next = _before;
            return word.State == _state;
        }
    }

    /// <summary>Marks granules as touched; refuses when they are already.</summary>
    public readonly struct Touch(uint granules) : IChildTransition
    {
        private readonly uint _granules = granules;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next)
        {
            next = word.Touch(_granules);
            return (word.Untouched & _granules) != 0;
        }
    }

    /// <summary>Makes single frames of one block of order 9.</summary>
    public readonly struct Split : IChildTransition
    {
        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TrySplit(out next);
    }

    /// <summary>Marks rows as swept; refuses when they are, or when the child has no rows in use.</summary>
    public readonly struct Sweep(uint rows) : IChildTransition
    {
        private readonly uint _rows = rows;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next) => word.TrySweep(_rows, out next);
    }

    /// <summary>Marks rows as unswept.</summary>
    public readonly struct MarkUnswept(uint rows) : IChildTransition
    {
        private readonly uint _rows = rows;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next)
        {
            next = word.MarkUnswept(_rows);
            return true;
        }
    }

    /// <summary>Marks granules as known to the operating system.</summary>
    public readonly struct Report(uint granules, bool zero) : IChildTransition
    {
        private readonly uint _granules = granules;
        private readonly bool _zero = zero;

        /// <inheritdoc/>
        public bool TryApply(ChildWord word, out ChildWord next)
        {
            next = word.Report(_granules, _zero);
            return true;
        }
    }
}
