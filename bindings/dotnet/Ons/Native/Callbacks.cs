using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
#if NET
using System.Runtime.CompilerServices;
#endif

namespace Ons.Native
{
    /// <summary>
    /// The functions the native library calls. Each finds its target through a GCHandle passed as user data, which the matching
    /// destroy function ends: whatever the collector does, the target lives exactly as long as the library may call it.
    /// No exception leaves them.
    /// </summary>
    internal static unsafe class Callbacks
    {
        [ThreadStatic]
        private static int s_depth;

        /// <summary>Whether this thread is the library's, running a listener or another callback of the program.</summary>
        public static bool IsInside => s_depth != 0;

#if NET
        public static delegate* unmanaged[Cdecl]<void*, ons_message*, ons_action> Listener => &OnMessage;

        public static delegate* unmanaged[Cdecl]<void*, void> SendsEnded => &OnSendsEnded;

        public static delegate* unmanaged[Cdecl]<void*, ons_log_level, byte*, nuint, void> Log => &OnLog;

        public static delegate* unmanaged[Cdecl]<void*, void> FreeTarget => &OnFreeTarget;
#else
        // The runtimes of netstandard2.0 call back through delegates only; these fields keep them alive for ever. Their
        // pointers are plain ones: Mono cannot call a method that has a function pointer in its signature.
        private static readonly ListenerDelegate s_listener = OnMessage;
        private static readonly SendsEndedDelegate s_sendsEnded = OnSendsEnded;
        private static readonly LogDelegate s_log = OnLog;
        private static readonly DestroyDelegate s_freeTarget = OnFreeTarget;

        private static readonly IntPtr s_listenerPointer = Marshal.GetFunctionPointerForDelegate(s_listener);
        private static readonly IntPtr s_sendsEndedPointer = Marshal.GetFunctionPointerForDelegate(s_sendsEnded);
        private static readonly IntPtr s_logPointer = Marshal.GetFunctionPointerForDelegate(s_log);
        private static readonly IntPtr s_freeTargetPointer = Marshal.GetFunctionPointerForDelegate(s_freeTarget);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate ons_action ListenerDelegate(void* userData, ons_message* message);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void SendsEndedDelegate(void* userData);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void LogDelegate(void* userData, ons_log_level level, byte* text, nuint length);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void DestroyDelegate(void* userData);

        public static void* Listener => (void*)s_listenerPointer;

        public static void* SendsEnded => (void*)s_sendsEndedPointer;

        public static void* Log => (void*)s_logPointer;

        public static void* FreeTarget => (void*)s_freeTargetPointer;
#endif

        /// <summary>User data for <see cref="FreeTarget"/> to end.</summary>
        public static void* Hold(object target) => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(target));

        private static T Target<T>(void* userData)
            where T : class => (T)GCHandle.FromIntPtr((IntPtr)userData).Target!;

#if NET
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
#else
        [MonoPInvokeCallback(typeof(ListenerDelegate))]
#endif
        private static ons_action OnMessage(void* userData, ons_message* message)
        {
            s_depth++;
            try
            {
                return Target<Subscription>(userData).Deliver(message);
            }
            catch (Exception e)
            {
                Report(e);
                return ons_action.ONS_RECONSUME_LATER;
            }
            finally
            {
                s_depth--;
            }
        }

#if NET
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
#else
        [MonoPInvokeCallback(typeof(SendsEndedDelegate))]
#endif
        private static void OnSendsEnded(void* userData)
        {
            try
            {
                Target<PendingSends>(userData).TakeSoon();
            }
            catch (Exception e)
            {
                Report(e);
            }
        }

#if NET
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
#else
        [MonoPInvokeCallback(typeof(LogDelegate))]
#endif
        private static void OnLog(void* userData, ons_log_level level, byte* text, nuint length)
        {
            s_depth++;
            try
            {
                Target<Action<LogLevel, string>>(userData)((LogLevel)level, Utf8.Decode(text, length));
            }
            catch (Exception e)
            {
                Report(e);
            }
            finally
            {
                s_depth--;
            }
        }

#if NET
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
#else
        [MonoPInvokeCallback(typeof(DestroyDelegate))]
#endif
        private static void OnFreeTarget(void* userData) => GCHandle.FromIntPtr((IntPtr)userData).Free();

        /// <summary>Tells a debugger or trace listener of an exception that has nowhere else to go; a failing listener is no reason to fail.</summary>
        private static void Report(Exception exception)
        {
            try
            {
                Trace.TraceError("ONS: an exception left a callback of the program: {0}", exception);
            }
            catch (Exception)
            {
                // Nothing is left to tell it to, and it must not reach native code.
            }
        }
    }
}
