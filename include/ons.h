/*
 * The C interface of ONS: RocketMQ that fits in your process.
 *
 * Every function returns an ons_status; what fails also writes an owned error through `error_out`, its last
 * parameter, unless that is NULL. Outputs are written on success only. Text comes and goes as pointer + length,
 * in UTF-8, without NUL. The contract in full is include/README.md of the source tree.
 */

#ifndef ONS_H
#define ONS_H

/* Generated from src/ffi by tests/generated.rs (UPDATE=1 cargo test --test generated). Do not edit. */

#include <stddef.h>
#include <stdint.h>

/**
 * What every function returns. 32 bits wide; numbers are never reused.
 */
enum ons_status
#if defined(__cplusplus) || defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    /**
     * The call did what it says; its outputs are written.
     */
    ONS_OK = 0,
    /**
     * A defect of the library was caught; the message says where. The process goes on, the handle may not.
     */
    ONS_PANIC = 1,
    /**
     * A pointer that must not be NULL is; the message names the argument.
     */
    ONS_NULL_ARGUMENT = 2,
    /**
     * A value is not acceptable; the message names it and the limit.
     */
    ONS_INVALID_ARGUMENT = 3,
    /**
     * The call does not fit the client's state: not started, already shut down, made from inside a callback.
     */
    ONS_INVALID_STATE = 4,
    /**
     * No answer within the time allowed.
     */
    ONS_TIMEOUT = 5,
    /**
     * Reading or writing the store failed; the message names the file and the cause.
     */
    ONS_STORAGE = 6,
    /**
     * No room on the disk for new messages; reading goes on.
     */
    ONS_DISK_FULL = 7,
    /**
     * Another process holds the data directory; the message names its process id.
     */
    ONS_DIRECTORY_IN_USE = 8,
    /**
     * This version does not have the feature; the message names it.
     */
    ONS_NOT_SUPPORTED = 9,
    /**
     * The topic does not exist.
     */
    ONS_TOPIC_NOT_EXIST = 10,
    /**
     * Stored bytes are damaged; the message names file and offset.
     */
    ONS_CORRUPT = 11,
    /**
     * This process was forked after the library was started; only the parent may use it.
     */
    ONS_FORKED = 12,
    /**
     * The broker answered with another error.
     */
    ONS_BROKER = 13
};
#ifndef __cplusplus
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
typedef enum ons_status ons_status;
#else
typedef int32_t ons_status;
#endif
#endif

/**
 * Whether a message whose send failed is in the store nevertheless.
 */
enum ons_stored
#if defined(__cplusplus) || defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    /**
     * Certainly not: sending it again cannot double it.
     */
    ONS_STORED_NO = 0,
    /**
     * It is.
     */
    ONS_STORED_YES = 1,
    /**
     * It may be or not: sending it again may double it.
     */
    ONS_STORED_UNKNOWN = 2
};
#ifndef __cplusplus
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
typedef enum ons_stored ons_stored;
#else
typedef int32_t ons_stored;
#endif
#endif

/**
 * What a listener answers.
 */
enum ons_action
#if defined(__cplusplus) || defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    /**
     * The message is consumed.
     */
    ONS_COMMIT_MESSAGE = 0,
    /**
     * Deliver it again later: after 10 s, 30 s, 1 min and so on up to 2 h, 16 times unless set otherwise, then it goes to the
     * dead letters of the group.
     */
    ONS_RECONSUME_LATER = 1,
    /**
     * Nobody has looked at it, for a program that is ending: it uses up no attempt and comes again to whoever consumes its
     * queue next, with what was consumed behind it in its queue. That is this consumer until its shutdown, so it is no answer
     * for a message that failed.
     */
    ONS_LEAVE_MESSAGE = 2
};
#ifndef __cplusplus
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
typedef enum ons_action ons_action;
#else
typedef int32_t ons_action;
#endif
#endif

/**
 * Which time a broker lives by.
 */
enum ons_clock
#if defined(__cplusplus) || defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    /**
     * The machine's.
     */
    ONS_CLOCK_SYSTEM = 0,
    /**
     * One that stands still until ons_broker_advance_time: hours of waiting tested in milliseconds.
     */
    ONS_CLOCK_MANUAL = 1
};
#ifndef __cplusplus
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
typedef enum ons_clock ons_clock;
#else
typedef int32_t ons_clock;
#endif
#endif

/**
 * How grave a log line is. A level takes in all above it.
 */
enum ons_log_level
#if defined(__cplusplus) || defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    ONS_LOG_ERROR = 1,
    ONS_LOG_WARN = 2,
    /**
     * The default.
     */
    ONS_LOG_INFO = 3,
    ONS_LOG_DEBUG = 4
};
#ifndef __cplusplus
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
typedef enum ons_log_level ons_log_level;
#else
typedef int32_t ons_log_level;
#endif
#endif

/**
 * The embedded broker of a directory, for programs that want to hold or test it; clients join it with
 * ONSAddr = "embedded:DIR". Made by ons_broker_open, freed by ons_broker_free; any number of threads may use it.
 */
typedef struct ons_broker ons_broker;

/**
 * Collects the ends of asynchronous sends, of any number of producers: for programs, and bindings of other languages,
 * for which a callback each costs too much. Made by ons_completions_new, freed by ons_completions_free; any number
 * of threads may use it at once.
 */
typedef struct ons_completions ons_completions;

/**
 * Why a call failed. Owned by whoever received it through `error_out` (free with ons_error_free); the one a
 * callback is given is borrowed for that call. May be read by any thread.
 */
typedef struct ons_error ons_error;

/**
 * The settings a client or broker is made from: keys and values such as "ProducerId" or "SendMsgTimeoutMillis".
 * Made by ons_factory_property_new, freed by ons_factory_property_free. Many threads may read it while
 * none changes it. Making a client copies what it needs, so it may be changed or freed afterwards.
 */
typedef struct ons_factory_property ons_factory_property;

/**
 * A message to send, or one received. Many threads may read it while none changes it. One made by ons_message_new, _new_with or
 * _clone is owned (free with ons_message_free); the one a listener is given is borrowed for that call.
 */
typedef struct ons_message ons_message;

/**
 * Sends messages. Made by ons_producer_new, freed by ons_producer_free; any number of threads may use it at once.
 */
typedef struct ons_producer ons_producer;

/**
 * Receives messages and hands them to listeners. Made by ons_push_consumer_new, freed by ons_push_consumer_free;
 * any number of threads may use it at once.
 */
typedef struct ons_push_consumer ons_push_consumer;

/**
 * Where a sent message is. Owned by whoever received it through `result_out` (free with ons_send_result_free); the
 * one a callback is given is borrowed for that call. May be read by any thread.
 */
typedef struct ons_send_result ons_send_result;

/**
 * Told that there is something for ons_completions_take: once, and again only after everything was taken. Runs on
 * the thread that learned of the end of a send, also on the one that writes the log and inside any other call of the
 * library: it must not wait for anything nor call the library, but only wake a thread that does.
 */
typedef void (*ons_completions_ready)(void *user_data);

/**
 * Frees `user_data`; called exactly once, after the last use of it, on any thread. Must not call the library.
 */
typedef void (*ons_destroy)(void *user_data);

/**
 * Told how an asynchronous send ended: exactly one of `result` and `error` is not NULL, and both are borrowed for
 * the call. Runs on a library thread. It may send and free clients, but must not block for long (other callbacks wait
 * for it); a shutdown from inside it is refused with ONS_INVALID_STATE; it must not throw or longjmp out.
 */
typedef void (*ons_send_callback)(void *user_data, const ons_send_result *result, const ons_error *error);

/**
 * Consumes one message. `message` is borrowed for the call (ons_message_clone to keep it). Called on up to
 * ConsumeThreadNums library threads at once; each message is given to one of them. An answer that is no ons_action
 * means ONS_RECONSUME_LATER. It may send, subscribe and free clients; a shutdown from inside it is refused with
 * ONS_INVALID_STATE; it must not throw or longjmp out.
 */
typedef ons_action (*ons_message_listener)(void *user_data, ons_message *message);

/**
 * Receives one log line, without its line end, UTF-8, borrowed for the call. Runs on any thread the library is
 * called on or owns, several at once; must not call the library.
 */
typedef void (*ons_log_callback)(void *user_data, ons_log_level level, const char *message, size_t message_len);

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Writes the status the failed call returned.
 */
ons_status ons_error_status(const ons_error *error, ons_status *status_out);

/**
 * Lends the message: what happened, to which topic, file or argument, and what to do. UTF-8, not NUL-terminated,
 * valid until the error is freed.
 */
ons_status ons_error_message(const ons_error *error,
                             const char **message_out,
                             size_t *message_len_out);

/**
 * Writes 1 if the same call may succeed later without a change of its arguments, else 0.
 */
ons_status ons_error_is_retriable(const ons_error *error, int32_t *is_retriable_out);

/**
 * Writes 1 if this client can do no more and only a new one, after the cause is gone, can; else 0.
 */
ons_status ons_error_is_fatal(const ons_error *error, int32_t *is_fatal_out);

/**
 * Writes whether the message of a failed send is in the store nevertheless; ONS_STORED_NO for every other call.
 */
ons_status ons_error_stored(const ons_error *error,
                            ons_stored *stored_out);

/**
 * Frees an error received through `error_out`. NULL is ignored.
 */
void ons_error_free(ons_error *error);

/**
 * Lends the library's version, such as "0.1.0"; valid as long as the library is loaded.
 */
ons_status ons_version(const char **version_out, size_t *version_len_out, ons_error **error_out);

/**
 * Writes the version of this C ABI: 3. It grows with every addition; a program built against version N runs with
 * every library of version N or above.
 */
ons_status ons_abi_version(int32_t *version_out,
                           ons_error **error_out);

/**
 * Makes an empty set of settings: every key at its documented default.
 */
ons_status ons_factory_property_new(ons_factory_property **property_out, ons_error **error_out);

/**
 * Makes a copy that is independent of the original.
 */
ons_status ons_factory_property_clone(const ons_factory_property *property,
                                      ons_factory_property **property_out,
                                      ons_error **error_out);

/**
 * Sets a key. White space around the value is dropped. A bad value of a known key is refused with
 * ONS_INVALID_ARGUMENT, naming key, value and range; an unknown key is kept and logged once.
 */
ons_status ons_factory_property_set(ons_factory_property *property,
                                    const char *key,
                                    size_t key_len,
                                    const char *value,
                                    size_t value_len,
                                    ons_error **error_out);

/**
 * Lends a key's value: the one that was set, else its documented default as text, else "". Valid until the
 * settings are changed or freed.
 */
ons_status ons_factory_property_get(const ons_factory_property *property,
                                    const char *key,
                                    size_t key_len,
                                    const char **value_out,
                                    size_t *value_len_out,
                                    ons_error **error_out);

/**
 * Writes how many keys were set explicitly.
 */
ons_status ons_factory_property_count(const ons_factory_property *property,
                                      size_t *count_out,
                                      ons_error **error_out);

/**
 * Lends the explicitly set key at `index` (0 to count - 1, in the order of the keys) and its value. Valid until the
 * settings are changed or freed.
 */
ons_status ons_factory_property_at(const ons_factory_property *property,
                                   size_t index,
                                   const char **key_out,
                                   size_t *key_len_out,
                                   const char **value_out,
                                   size_t *value_len_out,
                                   ons_error **error_out);

/**
 * Answers what ons_factory_property_set would, without setting anything.
 */
ons_status ons_factory_property_check(const ons_factory_property *property,
                                      const char *key,
                                      size_t key_len,
                                      const char *value,
                                      size_t value_len,
                                      ons_error **error_out);

/**
 * Frees settings. NULL is ignored.
 */
void ons_factory_property_free(ons_factory_property *property);

/**
 * Makes an empty message.
 */
ons_status ons_message_new(ons_message **message_out, ons_error **error_out);

/**
 * Makes a message from its parts in one call; the body is copied once. Topic, tag and key are UTF-8; the topic is
 * checked when the message is sent, tag and key (each at most 128 characters) here.
 */
ons_status ons_message_new_with(const char *topic,
                                size_t topic_len,
                                const char *tag,
                                size_t tag_len,
                                const char *key,
                                size_t key_len,
                                const uint8_t *body,
                                size_t body_len,
                                ons_message **message_out,
                                ons_error **error_out);

/**
 * Makes an owned copy, also of a borrowed message, to be kept as long as one likes: of a message that was received a
 * body of up to 64 KiB is copied, as it lies in a block of up to 4 MiB that would be kept with it. Every other is shared.
 */
ons_status ons_message_clone(const ons_message *message,
                             ons_message **message_out,
                             ons_error **error_out);

/**
 * Lends the topic, "" when unset. Valid until the message is changed or freed.
 */
ons_status ons_message_topic(const ons_message *message,
                             const char **topic_out,
                             size_t *topic_len_out,
                             ons_error **error_out);

/**
 * Sets the topic. Its name is checked when the message is sent.
 */
ons_status ons_message_set_topic(ons_message *message,
                                 const char *topic,
                                 size_t topic_len,
                                 ons_error **error_out);

/**
 * Lends the tag, "" when unset. Valid until the message is changed or freed.
 */
ons_status ons_message_tag(const ons_message *message,
                           const char **tag_out,
                           size_t *tag_len_out,
                           ons_error **error_out);

/**
 * Sets the tag: at most 128 characters. One that contains "||" is matched by the expression "*" only.
 */
ons_status ons_message_set_tag(ons_message *message, const char *tag, size_t tag_len, ons_error **error_out);

/**
 * Lends the key, "" when unset. Valid until the message is changed or freed.
 */
ons_status ons_message_key(const ons_message *message,
                           const char **key_out,
                           size_t *key_len_out,
                           ons_error **error_out);

/**
 * Sets the key the message can be found by: at most 128 characters.
 */
ons_status ons_message_set_key(ons_message *message, const char *key, size_t key_len, ons_error **error_out);

/**
 * Lends the message id: "" until the message was sent or received.
 * Valid until the message is changed or freed.
 */
ons_status ons_message_message_id(const ons_message *message,
                                  const char **message_id_out,
                                  size_t *message_id_len_out,
                                  ons_error **error_out);

/**
 * Sets the message id. A send replaces it.
 */
ons_status ons_message_set_message_id(ons_message *message,
                                      const char *message_id,
                                      size_t message_id_len,
                                      ons_error **error_out);

/**
 * Lends the body, any bytes. Valid until the message is changed or freed.
 */
ons_status ons_message_body(const ons_message *message,
                            const uint8_t **body_out,
                            size_t *body_len_out,
                            ons_error **error_out);

/**
 * Sets the body, any bytes, copied. A send refuses an empty one and one of more than 4 MiB.
 */
ons_status ons_message_set_body(ons_message *message,
                                const uint8_t *body,
                                size_t body_len,
                                ons_error **error_out);

/**
 * Writes when the message shall be delivered, in milliseconds since the Unix epoch; 0: at once.
 */
ons_status ons_message_start_deliver_time(const ons_message *message,
                                          int64_t *epoch_ms_out,
                                          ons_error **error_out);

/**
 * Sets when the message shall be delivered, in milliseconds since the Unix epoch; 0: at once.
 */
ons_status ons_message_set_start_deliver_time(ons_message *message, int64_t epoch_ms, ons_error **error_out);

/**
 * Writes how often the message was delivered before and not consumed; 0 at the first delivery.
 */
ons_status ons_message_reconsume_times(const ons_message *message,
                                       int32_t *reconsume_times_out,
                                       ons_error **error_out);

/**
 * Sets the count ons_message_reconsume_times answers. The broker counts by itself.
 */
ons_status ons_message_set_reconsume_times(ons_message *message,
                                           int32_t reconsume_times,
                                           ons_error **error_out);

/**
 * Writes when the broker stored the message, in milliseconds since the Unix epoch; 0 when unknown.
 */
ons_status ons_message_store_timestamp(const ons_message *message,
                                       int64_t *epoch_ms_out,
                                       ons_error **error_out);

/**
 * Sets the time ons_message_store_timestamp answers, in milliseconds since the Unix epoch.
 */
ons_status ons_message_set_store_timestamp(ons_message *message, int64_t epoch_ms, ons_error **error_out);

/**
 * Writes when the message was sent, in milliseconds since the Unix epoch; 0 when unknown.
 */
ons_status ons_message_born_timestamp(const ons_message *message,
                                      int64_t *epoch_ms_out,
                                      ons_error **error_out);

/**
 * Writes the number of the queue a received message came from.
 */
ons_status ons_message_queue_id(const ons_message *message, int32_t *queue_id_out, ons_error **error_out);

/**
 * Writes a received message's position in its queue, counted from 0.
 */
ons_status ons_message_queue_offset(const ons_message *message,
                                    int64_t *queue_offset_out,
                                    ons_error **error_out);

/**
 * Sets the position ons_message_queue_offset answers.
 */
ons_status ons_message_set_queue_offset(ons_message *message, int64_t queue_offset, ons_error **error_out);

/**
 * Frees an owned message. NULL is ignored, and so is a message borrowed by a listener.
 */
void ons_message_free(ons_message *message);

/**
 * Sets a user property: text to text, travelling with the message. "" as the value takes it away. Neither pointer may
 * be NULL, also for "".
 */
ons_status ons_message_set_property(ons_message *message,
                                    const char *name,
                                    size_t name_len,
                                    const char *value,
                                    size_t value_len,
                                    ons_error **error_out);

/**
 * Lends a user property's value, "" if there is none of that name. Valid until the message is changed or freed.
 */
ons_status ons_message_property(const ons_message *message,
                                const char *name,
                                size_t name_len,
                                const char **value_out,
                                size_t *value_len_out,
                                ons_error **error_out);

/**
 * Writes how many user properties the message has.
 */
ons_status ons_message_property_count(const ons_message *message, size_t *count_out, ons_error **error_out);

/**
 * Lends name and value of the user property at `index` (0 to count - 1, in a fixed order while the message is not
 * changed). Valid until the message is changed or freed.
 */
ons_status ons_message_property_at(const ons_message *message,
                                   size_t index,
                                   const char **name_out,
                                   size_t *name_len_out,
                                   const char **value_out,
                                   size_t *value_len_out,
                                   ons_error **error_out);

/**
 * Removes every user property.
 */
ons_status ons_message_clear_properties(ons_message *message, ons_error **error_out);

/**
 * Sets a system property. __TAG, __KEY, __MSGID, __RECONSUMETIMES and __STARTDELIVERTIME are the message's fields of
 * these names; any other is kept as it is, and taken away by "". Neither pointer may be NULL, also for "".
 */
ons_status ons_message_set_system_property(ons_message *message,
                                           const char *name,
                                           size_t name_len,
                                           const char *value,
                                           size_t value_len,
                                           ons_error **error_out);

/**
 * Lends a system property's value, "" if there is none of that name. Valid until the message is changed or freed.
 */
ons_status ons_message_system_property(const ons_message *message,
                                       const char *name,
                                       size_t name_len,
                                       const char **value_out,
                                       size_t *value_len_out,
                                       ons_error **error_out);

/**
 * Writes how many system properties the message has.
 */
ons_status ons_message_system_property_count(const ons_message *message,
                                             size_t *count_out,
                                             ons_error **error_out);

/**
 * Lends name and value of the system property at `index` (0 to count - 1, in a fixed order while the message is not
 * changed). Valid until the message is changed or freed.
 */
ons_status ons_message_system_property_at(const ons_message *message,
                                          size_t index,
                                          const char **name_out,
                                          size_t *name_len_out,
                                          const char **value_out,
                                          size_t *value_len_out,
                                          ons_error **error_out);

/**
 * Removes every system property.
 */
ons_status ons_message_clear_system_properties(ons_message *message, ons_error **error_out);

/**
 * Lends everything a message has but its properties, of which it writes how many there are: of the user's, and of
 * the system's those that have no output here. Texts and bytes are valid until the message is changed or freed.
 */
ons_status ons_message_parts(const ons_message *message,
                             const char **topic_out,
                             size_t *topic_len_out,
                             const char **tag_out,
                             size_t *tag_len_out,
                             const char **key_out,
                             size_t *key_len_out,
                             const uint8_t **body_out,
                             size_t *body_len_out,
                             const char **message_id_out,
                             size_t *message_id_len_out,
                             int64_t *start_deliver_time_out,
                             int64_t *store_timestamp_out,
                             int64_t *born_timestamp_out,
                             int64_t *queue_offset_out,
                             int32_t *queue_id_out,
                             int32_t *reconsume_times_out,
                             size_t *property_count_out,
                             size_t *other_system_property_count_out,
                             ons_error **error_out);

/**
 * Lends the message id. Valid until the result is freed.
 */
ons_status ons_send_result_message_id(const ons_send_result *result,
                                      const char **message_id_out,
                                      size_t *message_id_len_out,
                                      ons_error **error_out);

/**
 * Lends the topic the message was sent to. Valid until the result is freed.
 */
ons_status ons_send_result_topic(const ons_send_result *result,
                                 const char **topic_out,
                                 size_t *topic_len_out,
                                 ons_error **error_out);

/**
 * Writes the number of the queue of its topic that the message went to.
 */
ons_status ons_send_result_queue_id(const ons_send_result *result,
                                    int32_t *queue_id_out,
                                    ons_error **error_out);

/**
 * Writes the message's position in its queue, counted from 0.
 */
ons_status ons_send_result_queue_offset(const ons_send_result *result,
                                        int64_t *queue_offset_out,
                                        ons_error **error_out);

/**
 * Frees a result. NULL is ignored.
 */
void ons_send_result_free(ons_send_result *result);

/**
 * Makes an empty collection. `destroy` (may be NULL) runs exactly once, when the collection is freed and no send
 * that was begun with it is under way any more, or when this call fails.
 */
ons_status ons_completions_new(ons_completions_ready ready,
                               void *user_data,
                               ons_destroy destroy,
                               ons_completions **completions_out,
                               ons_error **error_out);

/**
 * Sends a message as ons_producer_send_async does, waiting where that one waits, but without a callback:
 * (a) ONS_OK and `*is_done_out` is 1: it is stored, at `*queue_id_out` and `*queue_offset_out`; (b) ONS_OK and
 * `*is_done_out` is 0: `completions` gives the outcome once, with `token`, perhaps before this call returns; the
 * other two are not written; (c) another status: it failed at once. `message_id_out` has room for 32 characters,
 * which are written in (a) and (b), without a NUL. The message may be changed or freed as soon as this call returns.
 */
ons_status ons_producer_send_collected(const ons_producer *producer,
                                       ons_message *message,
                                       const ons_completions *completions,
                                       uint64_t token,
                                       int32_t *is_done_out,
                                       char *message_id_out,
                                       int32_t *queue_id_out,
                                       int64_t *queue_offset_out,
                                       ons_error **error_out);

/**
 * ons_message_new_with, ons_producer_send_collected and ons_message_free in one call.
 */
ons_status ons_producer_send_parts_collected(const ons_producer *producer,
                                             const char *topic,
                                             size_t topic_len,
                                             const char *tag,
                                             size_t tag_len,
                                             const char *key,
                                             size_t key_len,
                                             const uint8_t *body,
                                             size_t body_len,
                                             const ons_completions *completions,
                                             uint64_t token,
                                             int32_t *is_done_out,
                                             char *message_id_out,
                                             int32_t *queue_id_out,
                                             int64_t *queue_offset_out,
                                             ons_error **error_out);

/**
 * Gives at most `max` ended sends, in the order in which they ended, and writes how many to `*count_out`. Each of
 * the arrays has room for `max` entries, of 32 characters without a NUL in `message_ids_out`. Where `errors_out`
 * receives an owned error the send failed, and of the others only the token is written; elsewhere it receives NULL.
 * Take until the count is 0. After a shutdown of the producer
 * everything about its sends can be taken.
 */
ons_status ons_completions_take(const ons_completions *completions,
                                size_t max,
                                uint64_t *tokens_out,
                                char *message_ids_out,
                                int32_t *queue_ids_out,
                                int64_t *queue_offsets_out,
                                ons_error **errors_out,
                                size_t *count_out,
                                ons_error **error_out);

/**
 * Frees a collection. What is still under way with it ends unheard. NULL is ignored.
 */
void ons_completions_free(ons_completions *completions);

/**
 * Makes a producer; nothing is opened or started yet. The settings are checked: what this version does not
 * support is refused here (ONS_NOT_SUPPORTED), never ignored. `property` may be freed afterwards.
 */
ons_status ons_producer_new(const ons_factory_property *property,
                            ons_producer **producer_out,
                            ons_error **error_out);

/**
 * Opens the embedded broker of the producer's directory, or joins the one this process has open. Does nothing when
 * already started; ONS_INVALID_STATE after shutdown; ONS_DIRECTORY_IN_USE if another process has the directory.
 */
ons_status ons_producer_start(ons_producer *producer,
                              ons_error **error_out);

/**
 * Sends a message and waits until it is stored as durably as FlushDiskType promises, at most SendMsgTimeoutMillis
 * per try. Sets the message id on `message`. `result_out` may be NULL. When it fails, ons_error_stored tells
 * whether the message is in the store nevertheless.
 */
ons_status ons_producer_send(const ons_producer *producer,
                             ons_message *message,
                             ons_send_result **result_out,
                             ons_error **error_out);

/**
 * Sends a message without waiting until it is stored, unless the disk is behind: see at the end. It ends in one of
 * three ways:
 * (a) ONS_OK and `*is_done_out` is 1: it is stored, `*result_out` is an owned result, `callback` never runs;
 * (b) ONS_OK and `*is_done_out` is 0: `callback` runs exactly once, later, on a library thread, never inside this
 * call; (c) another status: it failed at once, `callback` never runs.
 * `destroy` (may be NULL) runs exactly once in all cases, after the last use of `user_data`, perhaps inside this
 * call. `is_done_out` and `result_out` are given both, or are both NULL: then (a) never happens, and success is
 * always told by the callback. The message id is set on `message` in (a) and (b); the message may be changed or
 * freed as soon as this call returns.
 * While as much waits to be written as may (2 MiB in SYNC_FLUSH, 512 KiB in ASYNC_FLUSH: the disk is behind), the
 * caller makes room: it writes what waits itself (and in SYNC_FLUSH syncs it), as long as that takes, or waits for the
 * thread that does. While 131 072 sends of the producer wait for their callbacks (16 384 of those threads that share a
 * part with the caller), it waits for one of them; only from inside a callback it goes on at once. Either wait lasts at
 * most SendMsgTimeoutMillis, and ends then with ONS_TIMEOUT, the message not stored.
 */
ons_status ons_producer_send_async(const ons_producer *producer,
                                   ons_message *message,
                                   ons_send_callback callback,
                                   void *user_data,
                                   ons_destroy destroy,
                                   int32_t *is_done_out,
                                   ons_send_result **result_out,
                                   ons_error **error_out);

/**
 * Hands a message over without waiting until it is stored or hearing of its fate. While the disk is behind the caller
 * makes room, as in ons_producer_send_async. An error only for what can be told at once: a bad message, a producer that
 * is not started, no room within SendMsgTimeoutMillis (ONS_TIMEOUT, not stored).
 */
ons_status ons_producer_send_oneway(const ons_producer *producer,
                                    ons_message *message,
                                    ons_error **error_out);

/**
 * Writes 1 after a successful start and before shutdown, else 0.
 */
ons_status ons_producer_is_started(const ons_producer *producer,
                                   int32_t *is_started_out,
                                   ons_error **error_out);

/**
 * Writes 1 once the producer was shut down, else 0.
 */
ons_status ons_producer_is_closed(const ons_producer *producer,
                                  int32_t *is_closed_out,
                                  ons_error **error_out);

/**
 * Ends the producer: waits for the answers of pending asynchronous sends, at most SendMsgTimeoutMillis and a second,
 * then for their callbacks as long as these keep returning, at most 30 s; then lets go of the broker. A callback that
 * does not return is left behind, which a warning in the log tells, and must still live. A second call does nothing.
 * From inside a callback or listener: ONS_INVALID_STATE, nothing happens.
 */
ons_status ons_producer_shutdown(ons_producer *producer,
                                 ons_error **error_out);

/**
 * Frees a producer, shutting it down first if that was not done; from inside a listener or callback that goes on
 * after the call, on a thread of the library. NULL is ignored.
 */
void ons_producer_free(ons_producer *producer);

/**
 * Makes a consumer; nothing is opened or started yet. The settings are checked: what this version does not
 * support is refused here (ONS_NOT_SUPPORTED), never ignored. `property` may be freed afterwards.
 */
ons_status ons_push_consumer_new(const ons_factory_property *property,
                                 ons_push_consumer **consumer_out,
                                 ons_error **error_out);

/**
 * Subscribes to a topic, before or after start; a second call for a topic replaces expression and listener.
 * `expression` is "*" or "" for everything, or tags such as "TagA || TagB". `destroy` (may be NULL) runs exactly
 * once when the listener is no longer used: replaced, unsubscribed, shut down, or when this call fails; not before
 * the last running call of the listener ended.
 */
ons_status ons_push_consumer_subscribe(ons_push_consumer *consumer,
                                       const char *topic,
                                       size_t topic_len,
                                       const char *expression,
                                       size_t expression_len,
                                       ons_message_listener listener,
                                       void *user_data,
                                       ons_destroy destroy,
                                       ons_error **error_out);

/**
 * Ends a subscription; the listener's `destroy` runs when its running calls have ended.
 */
ons_status ons_push_consumer_unsubscribe(ons_push_consumer *consumer,
                                         const char *topic,
                                         size_t topic_len,
                                         ons_error **error_out);

/**
 * Opens the embedded broker of the consumer's directory, or joins the one this process has open, and begins to
 * consume. Does nothing when already started; ONS_INVALID_STATE after shutdown; ONS_DIRECTORY_IN_USE if another
 * process has the directory.
 */
ons_status ons_push_consumer_start(ons_push_consumer *consumer,
                                   ons_error **error_out);

/**
 * Writes 1 after a successful start and before shutdown, else 0.
 */
ons_status ons_push_consumer_is_started(const ons_push_consumer *consumer,
                                        int32_t *is_started_out,
                                        ons_error **error_out);

/**
 * Writes 1 once the consumer was shut down, else 0.
 */
ons_status ons_push_consumer_is_closed(const ons_push_consumer *consumer,
                                       int32_t *is_closed_out,
                                       ons_error **error_out);

/**
 * Ends the consumer: takes no more messages, waits at most 30 s until its threads are through with the few they have in
 * hand, so that none of the finished ones comes again, commits offsets, lets go of the broker. A listener that has not
 * returned by then is left behind, which a warning in the log tells: it and its `user_data` must live as long as the
 * process, and its message and those finished behind it come again. A second call does nothing. From inside a listener
 * or callback: ONS_INVALID_STATE, nothing happens.
 */
ons_status ons_push_consumer_shutdown(ons_push_consumer *consumer,
                                      ons_error **error_out);

/**
 * Frees a consumer, shutting it down first if that was not done; from inside a listener or callback that goes on
 * after the call, on a thread of the library. NULL is ignored.
 */
void ons_push_consumer_free(ons_push_consumer *consumer);

/**
 * Opens the broker of directory `dir` (UTF-8; created if missing), or joins the one this process has open there.
 * `settings` may be NULL; of it FlushDiskType, FileReservedTime and DiskMaxUsedSpaceRatio count, and must agree
 * with those of a broker that is joined. ONS_DIRECTORY_IN_USE if another process has the directory.
 */
ons_status ons_broker_open(const char *dir,
                           size_t dir_len,
                           const ons_factory_property *settings,
                           ons_clock clock,
                           ons_broker **broker_out,
                           ons_error **error_out);

/**
 * Moves a manual clock forward by `milliseconds` (0 to 366 days) and runs everything that becomes due, on the calling
 * thread; retries and timed messages can be consumed from then on. ONS_INVALID_STATE with the system clock.
 */
ons_status ons_broker_advance_time(ons_broker *broker,
                                   int64_t milliseconds,
                                   ons_error **error_out);

/**
 * Writes one of the broker's numbers: messages_appended, bytes_appended, writes, syncs (since it was opened),
 * segments, log_bytes, timers_waiting, topics, groups (now). ONS_INVALID_ARGUMENT for another name.
 */
ons_status ons_broker_statistic(const ons_broker *broker,
                                const char *name,
                                size_t name_len,
                                int64_t *value_out,
                                ons_error **error_out);

/**
 * Writes how many messages of `topic` the consumers of `group` have not committed yet.
 */
ons_status ons_broker_backlog(const ons_broker *broker,
                              const char *group,
                              size_t group_len,
                              const char *topic,
                              size_t topic_len,
                              int64_t *messages_out,
                              ons_error **error_out);

/**
 * Lets go of the broker; it ends with its last user. A second call does nothing.
 */
ons_status ons_broker_close(ons_broker *broker, ons_error **error_out);

/**
 * Frees a broker handle, closing it first if that was not done. NULL is ignored.
 */
void ons_broker_free(ons_broker *broker);

/**
 * Sends the log to `callback` instead of the log file; NULL: back to the file. `destroy` (may be NULL) runs exactly
 * once, when the callback is no longer used: replaced, or when this call fails.
 */
ons_status ons_log_set_callback(ons_log_callback callback,
                                void *user_data,
                                ons_destroy destroy,
                                ons_error **error_out);

/**
 * Sets the least grave level that is logged.
 */
ons_status ons_log_set_level(ons_log_level level, ons_error **error_out);

/**
 * Sends the log to a file (`path`: UTF-8, a directory or a file, "" for the default ~/logs/ons.log) that is rotated
 * at `bytes_max` bytes (out of range: 64 MiB), keeping `old_files_max` old ones (1 to 100, else 10). A path that
 * cannot be written is said once on stderr and does not stop the program.
 */
ons_status ons_log_set_file(const char *path,
                            size_t path_len,
                            int64_t bytes_max,
                            int32_t old_files_max,
                            ons_error **error_out);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  /* ONS_H */
