using System;
using System.Runtime.InteropServices;

namespace Ons.Native
{
    /// <summary>
    /// A native object that outlives a call. Messages, send results and errors do not: they live inside one call and are freed
    /// there, so that a send costs no finalizable object.
    /// </summary>
    internal abstract class OnsHandle : SafeHandle
    {
        protected OnsHandle(IntPtr pointer)
            : base(IntPtr.Zero, ownsHandle: true) => SetHandle(pointer);

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Keeps the native object alive until the lease ends; throws ObjectDisposedException on a disposed one.</summary>
        public Lease Borrow() => new(this);

        /// <summary>Frees the native object.</summary>
        protected abstract void Free();

        /// <remarks>
        /// .NET Framework finalizes at the end of the process too, when managed threads no longer run: freeing a consumer would
        /// wait for listeners that cannot end. The process is about to give everything back anyway.
        /// </remarks>
        protected sealed override bool ReleaseHandle()
        {
            if (!Environment.HasShutdownStarted)
            {
                Free();
            }

            return true;
        }

        internal readonly unsafe ref struct Lease
        {
            private readonly OnsHandle _handle;

            public Lease(OnsHandle handle)
            {
                bool isAdded = false;
                handle.DangerousAddRef(ref isAdded);
                _handle = handle;
            }

            public void* Pointer => (void*)_handle.DangerousGetHandle();

            public void Dispose() => _handle.DangerousRelease();
        }
    }

    internal sealed unsafe class FactoryPropertyHandle : OnsHandle
    {
        public FactoryPropertyHandle(ons_factory_property* property)
            : base((IntPtr)property)
        {
        }

        protected override void Free() => NativeMethods.ons_factory_property_free((ons_factory_property*)handle);
    }

    internal sealed unsafe class ProducerHandle : OnsHandle
    {
        public ProducerHandle(ons_producer* producer)
            : base((IntPtr)producer)
        {
        }

        protected override void Free() => NativeMethods.ons_producer_free((ons_producer*)handle);
    }

    internal sealed unsafe class PushConsumerHandle : OnsHandle
    {
        public PushConsumerHandle(ons_push_consumer* consumer)
            : base((IntPtr)consumer)
        {
        }

        protected override void Free() => NativeMethods.ons_push_consumer_free((ons_push_consumer*)handle);
    }

    internal sealed unsafe class BrokerHandle : OnsHandle
    {
        public BrokerHandle(ons_broker* broker)
            : base((IntPtr)broker)
        {
        }

        protected override void Free() => NativeMethods.ons_broker_free((ons_broker*)handle);
    }
}
